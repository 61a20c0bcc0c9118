"""The same discs, as many tools write masks: read alike, or refused with what helps."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

import unetzoo
from unetzoo.data.open import survey

_ROWS, _COLUMNS = np.mgrid[:24, :32]
_TRUTH = [(_ROWS - 10) ** 2 + (_COLUMNS - column) ** 2 < 36 for column in (9, 14, 20)]
_CLASSES = [np.where(_ROWS > 18, 2, disc.astype(int)) for disc in _TRUTH]  # of 0 to 2


@pytest.fixture
def read(tmp_path):
    """Class names, ids of each mask, and problems, of masks that a function writes."""

    def read(write, truth, ending="png", **options):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir()
        for number, mask in enumerate(truth):
            np.save(tmp_path / "images" / f"{number}.npy", np.full((*mask.shape, 1), number, np.uint8))
            write(tmp_path / "masks" / f"{number}.{ending}", mask, number)
        found = survey(tmp_path, **options)
        ids = {}
        for split in ("train", "val"):
            dataset = found.dataset(split)
            ids |= {index: dataset[place].mask for place, index in enumerate(dataset.indices)}
        texts = [problem.text for problem in found.problems]
        return found.coding.class_names, [ids[index] for index in range(len(truth))], texts

    return read


def _same(found, truth):
    for one, other in zip(found, truth, strict=True):
        np.testing.assert_array_equal(one, other)


def _indexed(indices, palette, **options):
    """A writer of a palette picture; palette and indices may depend on the number of the file."""

    def write(path, mask, number):
        colors = palette(number)
        picture = Image.fromarray(indices(mask, number).astype(np.uint8), "P")
        picture.putpalette([value for color in colors for value in color])
        picture.save(path, **options)

    return write


@pytest.mark.parametrize("ending", ["png", "tif", "gif", "bmp"])
def test_palettes_in_another_order_are_compared_by_their_colors(read, ending):
    write = _indexed(
        lambda mask, number: mask if number % 2 else 1 - mask,
        lambda number: [(0, 0, 0), (255, 0, 0)] if number % 2 else [(255, 0, 0), (0, 0, 0)],
    )
    names, ids, problems = read(write, _TRUTH, ending)
    assert names == ("#000000", "#ff0000")
    _same(ids, _TRUTH)
    assert problems == ["the palettes of masks differ from file to file: the colors count, not the indices"]


def test_colors_at_other_indices_of_each_file_are_the_same_classes(read):
    write = _indexed(
        lambda mask, number: mask + number,
        lambda number: [(9, 9, 9)] * number + [(0, 0, 0), (0, 200, 0), (0, 0, 200)],
    )
    names, ids, _ = read(write, _CLASSES)
    assert names == ("#000000", "#00c800", "#0000c8")
    _same(ids, _CLASSES)


def test_palettes_that_agree_are_ids_with_255_unknown(read):
    colors = [(0, 0, 0), (128, 0, 0), (0, 128, 0), *[(0, 0, 0)] * 252, (224, 224, 192)]
    truth = [np.where(_COLUMNS == 0, 255, mask) for mask in _CLASSES]
    names, ids, problems = read(_indexed(lambda mask, _: mask, lambda _: colors), truth)
    assert names == ("class 0", "class 1", "class 2")
    _same(ids, truth)
    assert problems == []


def test_classes_of_masks_with_a_palette_may_be_named_by_colors(read):
    write = _indexed(lambda mask, _: mask, lambda _: [(0, 0, 0), (255, 0, 0), (0, 0, 255)])
    names, ids, _ = read(write, _CLASSES, classes={"cell": "#ff0000", "rest": ["#000000", "#0000ff"]})
    assert names == ("cell", "rest")
    _same(ids, [np.where(mask == 1, 0, 1) for mask in _CLASSES])


def test_inverted_displays_of_imagej_among_others_are_asked_about(read):
    ramps = [[(value,) * 3 for value in range(256)], [(255 - value,) * 3 for value in range(256)]]
    write = _indexed(lambda mask, _: mask * 255, lambda number: ramps[number % 2])
    with pytest.raises(unetzoo.DataError, match=r"some masks are shown inverted.*background=0,cell=255"):
        read(write, _TRUTH)


def test_stored_values_count_where_a_user_names_them(read):
    ramps = [[(value,) * 3 for value in range(256)], [(255 - value,) * 3 for value in range(256)]]
    write = _indexed(lambda mask, _: mask * 255, lambda number: ramps[number % 2])
    _same(read(write, _TRUTH, classes={"rest": 0, "cell": 255})[1], _TRUTH)


def _few_bits(bits, values):
    """A writer of grey PNG files of few bits a pixel, which Pillow does not write."""

    def write(path, mask, _):
        height, width = mask.shape
        rows = b""
        for row in np.asarray(values)[mask.astype(int)]:
            text = "".join(format(value, f"0{bits}b") for value in row)
            rows += b"\0" + bytes(int(text[start : start + 8], 2) for start in range(0, len(text), 8))
        header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
        file = b"\x89PNG\r\n\x1a\n"
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            file += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        path.write_bytes(file)

    return write


@pytest.mark.parametrize("bits", [2, 4])
def test_pixels_of_2_and_4_bits_are_ids_as_stored(read, bits):
    names, ids, _ = read(_few_bits(bits, [0, 1, 2]), _CLASSES)
    assert names == ("class 0", "class 1", "class 2")
    _same(ids, _CLASSES)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_black_and_white_of_few_bits_beside_8_bits_is_the_same(read, bits):
    few = _few_bits(bits, [0, 2**bits - 1])

    def write(path, mask, number):
        few(path, mask, number) if number else Image.fromarray(mask.astype(np.uint8) * 255).save(path)

    names, ids, problems = read(write, _TRUTH)
    assert names == ("background", "foreground")
    _same(ids, _TRUTH)
    assert problems == []


def _painted(array):
    """A writer of an array that is made of each mask, as PNG, TIFF or NPY."""

    def write(path, mask, number):
        pixels = array(mask, number)
        if path.suffix == ".npy":
            np.save(path, pixels)
        elif path.suffix == ".tif":
            alpha = {"extrasamples": ["unassalpha"]} if pixels.ndim == 3 and pixels.shape[2] == 4 else {}
            tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack", **alpha)
        else:
            Image.fromarray(pixels).save(path)

    return write


@pytest.mark.parametrize("color", [0, 255], ids=["black", "white"])
@pytest.mark.parametrize("ending", ["png", "tif", "npy"])
def test_a_mask_in_the_alpha_channel_is_read_and_said(read, ending, color):
    shape = np.full((24, 32, 3), color, np.uint8)
    truth = [*_TRUTH, np.zeros_like(_TRUTH[0]), np.ones_like(_TRUTH[0])]
    names, ids, problems = read(
        _painted(lambda mask, _: np.dstack([shape, mask.astype(np.uint8) * 255])), truth, ending
    )
    assert names == ("background", "foreground")
    _same(ids, truth)
    assert any("alpha channel that varies, which is read as the mask" in text for text in problems)


@pytest.mark.parametrize("ending", ["png", "tif", "npy"])
def test_an_opaque_alpha_channel_changes_nothing(read, ending):
    opaque = _painted(lambda mask, _: np.dstack([mask * 255, mask * 0, mask * 0, mask * 0 + 255]).astype(np.uint8))
    names, ids, problems = read(opaque, [*_TRUTH, np.zeros_like(_TRUTH[0])], ending)
    assert names == ("#000000", "#ff0000")
    _same(ids[:3], _TRUTH)
    assert problems == []


def test_colors_on_transparent_are_classes_beside_what_is_transparent(read):
    def paint(mask, number):
        pixels = np.random.default_rng(number).integers(0, 256, (*mask.shape, 4)).astype(np.uint8)  # where transparent
        pixels[..., 3] = 0
        pixels[mask == 1] = (255, 0, 0, 255)
        pixels[mask == 2] = (0, 0, 0, 255)
        return pixels

    names, ids, problems = read(_painted(paint), _CLASSES)
    assert names == ("transparent", "#000000", "#ff0000")
    _same(ids, [np.array([0, 2, 1])[mask] for mask in _CLASSES])
    assert any("whose transparent pixels are a value of their own" in text for text in problems)


def test_transparent_pixels_may_be_ignored(read):
    paint = _painted(lambda mask, _: np.array([(0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 255, 255)], np.uint8)[mask])
    names, ids, _ = read(paint, _CLASSES, ignore="#00000000")
    assert names == ("#ff0000", "#0000ff")
    _same(ids, [np.array([255, 0, 1])[mask] for mask in _CLASSES])


_COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 128, 255)])


@pytest.mark.parametrize(
    "convert",
    [
        lambda colors: colors.astype(np.int64),
        lambda colors: colors.astype(np.float32),
        lambda colors: (colors / 255).astype(np.float32),
        lambda colors: (colors / 255).astype(np.float64),
        lambda colors: (colors * 257).astype(np.uint16),
        lambda colors: (colors * 256).astype(np.uint16),
        lambda colors: colors.astype(np.uint16),
        lambda colors: np.dstack([colors / 255, np.ones(colors.shape[:2])]).astype(np.float32),
    ],
    ids=["int64", "float", "float 0..1", "double 0..1", "x 257", "x 256", "uint16", "RGBA 0..1"],
)
def test_colors_of_any_type_are_those_of_8_bits(read, convert):
    names, ids, _ = read(_painted(lambda mask, _: convert(_COLORS[mask])), [*_CLASSES, _CLASSES[0] * 0], "npy")
    assert names == ("#000000", "#ff0000", "#0080ff")
    _same(ids, [*_CLASSES, _CLASSES[0] * 0])


@pytest.mark.parametrize("high", [1, 7])
def test_ids_in_the_red_channel_are_classes_whatever_single_files_hold(read, high):
    def paint(mask, number):
        red = mask * (high if number == 2 else 1)
        return np.dstack([red, mask * 0, mask * 0]).astype(np.uint8)

    names, ids, _ = read(_painted(paint), _TRUTH)
    assert names == ("#000000", "#010000", "#070000")[: 3 if high > 1 else 2]
    _same(ids[:2], _TRUTH[:2])
    _same([ids[2] > 0], [_TRUTH[2]])


def test_masks_of_0_and_1_among_masks_of_0_and_255_are_asked_about(read):
    write = _painted(lambda mask, number: mask.astype(np.uint8) * (255 if number else 1))
    with pytest.raises(unetzoo.DataError, match=r"hold 0 and 1 \(images/0.npy\).*foreground=1\|255.*--ignore 255"):
        read(write, _TRUTH)


@pytest.mark.parametrize(
    ("said", "first"), [({"classes": {"rest": 0, "cell": [1, 255]}}, 1), ({"classes": ["rest", "cell", "x"]}, 255)]
)
def test_a_user_says_whether_1_and_255_are_the_same(read, said, first):
    write = _painted(lambda mask, number: mask.astype(np.uint8) * (255 if number else 1))
    _same(read(write, _TRUTH, **said)[1], [_TRUTH[0], _TRUTH[1] * first, _TRUTH[2] * first])


@pytest.mark.parametrize("dtype", [bool, np.float32, np.uint16])
def test_true_and_full_brightness_of_other_types_are_that_of_8_bits(read, dtype):
    def paint(mask, number):
        return mask.astype(np.uint8) * 255 if number else mask.astype(dtype) * (65535 if dtype == np.uint16 else 1)

    write = _painted(lambda mask, number: np.asarray(paint(mask, number), np.uint8 if number else dtype))
    names, ids, _ = read(write, _TRUTH, "npy")
    assert names == ("background", "foreground")
    _same(ids, _TRUTH)


def _soft(mask):
    small = Image.fromarray(mask.astype(np.uint8) * 255).resize((16, 12), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((32, 24), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("ending", ["npy", "png", "tif"])
@pytest.mark.parametrize("highest", [255, 1], ids=["bytes", "shares"])
def test_soft_masks_ask_for_a_threshold_and_take_it(read, ending, highest, tmp_path):
    if highest == 1 and ending == "png":
        pytest.skip("PNG has no fractions")
    write = _painted(lambda mask, _: _soft(mask) if highest == 255 else (_soft(mask) / 255).astype(np.float32))
    middle = 128 if highest == 255 else 0.5
    names, ids, _ = read(write, _TRUTH, ending, threshold=middle, classes=["cell"])
    assert names == ("background", "cell")
    _same(ids, [_soft(mask) >= 128 for mask in _TRUTH])
    problems = [problem.text for problem in survey(tmp_path).problems]
    assert any(f"threshold={middle}" in text for text in problems)


def test_jpeg_masks_are_refused_with_a_way_out_and_read_by_it(read, tmp_path):
    def write(path, mask, _):
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(path, quality=90)

    _, ids, problems = read(write, _TRUTH, "jpg", threshold=128)
    _same(ids, _TRUTH)
    assert any("masks are JPEG or WebP, which blurs values" in text for text in problems)
    (error,) = [problem.text for problem in survey(tmp_path).problems if problem.severity == "error"]
    assert "JPEG" in error
    assert "--threshold 128" in error


def test_ids_in_jpeg_files_get_no_class_of_noise(read, tmp_path):
    def write(path, mask, _):
        Image.fromarray((mask * 30).astype(np.uint8)).save(path, quality=90)

    classes = {"a": 0, "b": 30, "c": 60}
    _, ids, _ = read(write, _CLASSES, "jpg", classes=classes, nearest_color=True)
    _same(ids, _CLASSES)
    errors = [problem.text for problem in survey(tmp_path).problems if problem.severity == "error"]
    assert any("JPEG" in text and "--nearest-color" in text for text in errors)


def test_colors_a_few_shades_off_are_read_as_the_nearest(read, tmp_path):
    def paint(mask, number):
        noise = np.random.default_rng(number).integers(-6, 7, (*mask.shape, 3))
        return (_COLORS[mask] + noise).clip(0, 255).astype(np.uint8)

    classes = {"rest": "#000000", "red": "#ff0000", "blue": "#0080ff"}
    _, ids, problems = read(_painted(paint), _CLASSES, classes=classes, nearest_color=True)
    _same(ids, _CLASSES)
    assert any("% of the masks' pixels are of no class, and count as the nearest one" in text for text in problems)
    errors = [problem.text for problem in survey(tmp_path, classes=classes).problems]
    assert any("nearest_color=True (--nearest-color)" in text for text in errors)


def test_two_colors_that_are_nearly_the_same_are_warned_of(read):
    colors = np.array([(0, 0, 0), (255, 0, 0), (254, 1, 0)], np.uint8)
    _, _, problems = read(_painted(lambda mask, _: colors[mask]), _CLASSES)
    assert any("the colors #ff0000 and #fe0100 are nearly the same" in text for text in problems)


def test_values_that_do_not_count_are_ignored(read):
    truth = [np.where(_COLUMNS < 3, 0, mask + 1) for mask in _CLASSES]
    names, ids, _ = read(_painted(lambda mask, _: mask.astype(np.uint8)), truth, ignore=0)
    assert names == ("class 1", "class 2", "class 3")
    _same(ids, [np.where(mask == 0, 255, mask - 1) for mask in truth])


@pytest.mark.parametrize("value", [-32768, -9999, 65535, np.nan, -3.4e38])
def test_a_value_of_no_data_is_named_as_what_may_be_ignored(read, value, tmp_path):
    dtype = np.float32 if not -40000 < value < 70000 else np.int32
    write = _painted(lambda mask, _: np.where(_COLUMNS < 3, value, mask).astype(dtype))
    _, ids, _ = read(write, _CLASSES, "tif", ignore=[float(value)])
    _same(ids, [np.where(_COLUMNS < 3, 255, mask) for mask in _CLASSES])
    errors = [problem.text for problem in survey(tmp_path).problems if problem.severity == "error"]
    assert any("--ignore" in text for text in errors)


@pytest.mark.parametrize("nodata", [7, -9999])
def test_the_value_that_gdal_says_is_none_does_not_count(read, nodata):
    def write(path, mask, _):
        pixels = np.where(_COLUMNS < 3, nodata, mask).astype(np.int16)
        tifffile.imwrite(path, pixels, extratags=[(42113, "s", 0, str(nodata), True)])

    names, ids, _ = read(write, _CLASSES, "tif")
    assert names == ("class 0", "class 1", "class 2")
    _same(ids, [np.where(_COLUMNS < 3, 255, mask) for mask in _CLASSES])


def test_a_0_that_gdal_says_is_none_stays_a_class_and_is_said(read):
    def write(path, mask, _):
        tifffile.imwrite(path, mask.astype(np.uint8), extratags=[(42113, "s", 0, "0", True)])

    _, ids, problems = read(write, _TRUTH, "tif")
    _same(ids, _TRUTH)
    assert any("say that 0 is no data, but it is read as the class 'background'" in text for text in problems)


def test_several_values_may_be_one_class(read):
    write = _painted(lambda mask, _: mask.astype(np.uint8))
    _same(read(write, _CLASSES, classes={"rest": 0, "crop": "1|2"})[1], [mask > 0 for mask in _CLASSES])


def test_labels_1_and_2_are_two_classes(read):
    names, ids, problems = read(_painted(lambda mask, _: mask.astype(np.uint8) + 1), _TRUTH)
    assert names == ("class 1", "class 2")
    _same(ids, _TRUTH)
    assert problems == ["no mask holds 0: the first class, 'class 1', is that of 1"]


def test_an_inverted_table_of_imagej_changes_the_display_alone(read):
    def write(path, mask, number):
        shown = {"photometric": "miniswhite"} if number % 2 else {}
        tifffile.imwrite(path, mask.astype(np.uint8) * 255, imagej=not number % 2, **shown)
        if number % 2:
            tifffile.tiffcomment(path, b"ImageJ=1.54f\nimages=1\n")

    _same(read(write, _TRUTH, "tif")[1], _TRUTH)


def test_masks_that_number_few_objects_hint_at_instances(read):
    def paint(mask, number):
        numbers = np.zeros((24, 32), np.uint16)
        for label in range(1, 5 + number):
            numbers[(label - 1) // 4 * 6 + 1 :, :][:4, (label - 1) % 4 * 8 : (label - 1) % 4 * 8 + 5] = label
        return numbers

    _, _, problems = read(_painted(paint), _TRUTH, "tif")
    assert any("--masks instances" in text for text in problems)


def test_classes_of_scattered_pixels_hint_at_nothing(read):
    random = np.random.default_rng(0)
    truth = [random.integers(0, high, (24, 32)) for high in (5, 6, 7)]
    _, _, problems = read(_painted(lambda mask, _: mask.astype(np.uint8)), truth)
    assert not any("--masks instances" in text for text in problems)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_planes_of_0_and_1_that_overlap_are_refused_of_any_type(read, dtype, channels):
    with pytest.raises(unetzoo.DataError, match="planes of the mask overlap"):
        read(
            _painted(
                lambda mask, _: (
                    np.eye(channels)[mask].astype(dtype)
                    + (mask == 2)[..., None].astype(dtype) * np.eye(channels)[0].astype(dtype)
                )
            ),
            _CLASSES,
            "npy",
        )


@pytest.mark.parametrize("channels", [3, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_planes_of_0_and_1_are_classes_of_any_type(read, dtype, channels):
    planes = _painted(lambda mask, _: np.eye(channels)[mask].astype(dtype))
    _same(read(planes, _CLASSES, "npy", classes=list("abcde")[:channels])[1], _CLASSES)


@pytest.mark.parametrize("options", [{}, {"ome": True}], ids=["shape", "OME"])
def test_true_in_a_tiff_of_python_is_the_foreground(read, options):
    def write(path, mask, number):
        tifffile.imwrite(path, mask if number else mask.astype(np.uint8) * 255, **options)

    names, ids, _ = read(write, _TRUTH, "tif")
    assert names == ("background", "foreground")
    _same(ids, _TRUTH)


def test_black_on_white_of_a_fax_is_read_as_it_is_shown(read):
    def write(path, mask, _):
        Image.fromarray(mask).save(path, compression="group4")

    pytest.importorskip("imagecodecs")
    _same(read(write, _TRUTH, "tif")[1], _TRUTH)


def test_a_palette_that_shows_the_foreground_black_is_said(read):
    write = _indexed(lambda mask, _: mask, lambda _: [(255, 255, 255), (0, 0, 0)])
    _, ids, problems = read(write, _TRUTH)
    _same(ids, _TRUTH)
    assert any("shows 0 as white and 1 as black: 1, the black, is the foreground" in text for text in problems)


@pytest.mark.parametrize(("ending", "options"), [("jpg", {"quality": 95}), ("webp", {"quality": 80})])
def test_colors_of_formats_that_blur_are_asked_for(read, ending, options):
    def write(path, mask, _):
        Image.fromarray(_COLORS.astype(np.uint8)[mask]).save(path, **options)

    with pytest.raises(unetzoo.DataError, match=r"JPEG or WebP, which blurs them.*--nearest-color"):
        read(write, _CLASSES, ending)


def test_a_webp_that_does_not_blur_is_read(read):
    def write(path, mask, _):
        Image.fromarray(_COLORS.astype(np.uint8)[mask]).save(path, lossless=True)

    names, ids, problems = read(write, _CLASSES, "webp")
    _same(ids, _CLASSES)
    assert (names, problems) == (("#000000", "#ff0000", "#0080ff"), [])


def test_colors_that_are_finer_than_8_bits_are_refused(read):
    colors = np.array([(0, 0, 0), (65535, 1000, 0), (3, 70, 0)], np.uint16)
    with pytest.raises(
        unetzoo.DataError, match=r"0\.npy: the mask holds \(65535, 1000, 0\), which is no color of 8 bits"
    ):
        read(_painted(lambda mask, _: colors[mask]), _CLASSES, "npy")


def test_many_classes_that_never_occur_are_one_warning(read):
    _, _, problems = read(_painted(lambda mask, _: mask.astype(np.uint8) * 20), _TRUTH)
    assert "19 classes never occur in the split 'val': 'class 1', 'class 2', 'class 3', " in "".join(problems)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_ids_in_one_channel_may_be_named_by_their_numbers(read, channel):
    def paint(mask, _):
        pixels = np.zeros((*mask.shape, 3), np.uint8)
        pixels[..., channel] = np.array([0, 1, 7])[mask]
        return pixels

    names, ids, _ = read(_painted(paint), _CLASSES, classes={"person": 7, "road": 0, "car": 1})
    assert names == ("person", "road", "car")
    _same(ids, [np.array([1, 2, 0])[mask] for mask in _CLASSES])


def test_numbers_do_not_name_colors(read):
    with pytest.raises(unetzoo.OptionError, match="name each class with its color, such as cell=#ff0000"):
        read(_painted(lambda mask, _: _COLORS.astype(np.uint8)[mask]), _CLASSES, classes={"a": 0, "b": 1, "c": 2})


def test_numbers_name_the_opacity_where_it_is_the_mask(read):
    paint = _painted(lambda mask, _: np.dstack([mask * 0, mask * 0, mask * 0, mask * 255]).astype(np.uint8))
    _same(read(paint, _TRUTH, classes={"cell": 255, "rest": 0})[1], [~mask for mask in _TRUTH])


def test_objects_may_have_pixels_that_do_not_count(read):
    truth = [np.where(_COLUMNS < 3, 255, mask * 40) for mask in _CLASSES]
    _, ids, _ = read(_painted(lambda mask, _: mask.astype(np.uint8)), truth, masks="instances", ignore=255)
    _same(ids, [np.where(mask == 255, 255, mask > 0) for mask in truth])


def test_255_is_said_to_be_unknown_where_it_may_be_a_class(read):
    write = _painted(lambda mask, _: mask.astype(np.uint8) * 255)
    _, _, problems = read(write, _TRUTH, classes={"rest": 0, "cell": 1})
    assert "masks hold 255, which is unknown, and no 1, which is the class 'cell'" in problems


def test_what_helps_against_soft_edges_is_said_where_classes_have_values(read):
    with pytest.raises(unetzoo.DataError, match=r"resize masks by nearest neighbour, or give threshold=128"):
        read(_painted(lambda mask, _: _soft(mask)), _TRUTH, classes={"rest": 0, "cell": 255})


def test_a_color_of_no_class_may_be_ignored(read):
    with pytest.raises(unetzoo.DataError, match=r"ignore='#0080ff' \(--ignore '#0080ff'\) says"):
        read(
            _painted(lambda mask, _: _COLORS.astype(np.uint8)[mask]), _CLASSES, classes={"a": "#000000", "b": "#ff0000"}
        )


def test_the_mask_with_soft_edges_among_others_is_named(read):
    write = _painted(lambda mask, number: _soft(mask) if number == 2 else mask.astype(np.uint8) * 255)
    with pytest.raises(unetzoo.DataError, match=r"values from 0 to 2\d\d are \(in images/2.npy\).*threshold=128"):
        read(write, _TRUTH)


def test_a_data_set_of_python_leaves_out_a_class_that_is_ignored():
    found = survey("nuclei", ignore=0)
    assert found.coding.class_names == ("nucleus",)
    mask = found.dataset("test")[0].mask
    np.testing.assert_array_equal(mask, np.where(unetzoo.create_dataset("nuclei", split="test")[0].mask == 1, 0, 255))
