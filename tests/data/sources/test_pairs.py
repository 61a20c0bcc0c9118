import numpy as np
import pytest
import skimage.io
import tifffile
from PIL import Image, ImageOps

import unetzoo
from unetzoo.data.formats.read import open_image, read_image, read_raw_mask
from unetzoo.data.open import survey
from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.source import Entry

_RANDOM = np.random.default_rng(0)
_IMAGE = _RANDOM.integers(0, 255, (20, 30, 3), dtype=np.uint8)
_MASK = (_IMAGE[..., 0] > 128).astype(np.uint8)
_TAG = 274


def _source(*files):
    """The source of one image, its mask, and further masks."""
    return FileSource([Entry("a")], [EntryFiles(*files)])


def _write(path, pixels, orientation):
    exif = Image.Exif()
    exif[_TAG] = orientation
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, extratags=[(_TAG, 3, 1, orientation, True)])
    else:
        Image.fromarray(pixels).save(path, exif=exif, lossless=True)
    return path


def _upright(pixels, orientation):
    """By Pillow."""
    picture = Image.fromarray(pixels)
    picture.getexif()[_TAG] = orientation
    return np.asarray(ImageOps.exif_transpose(picture))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_images_and_masks_are_turned_as_their_tag_says(name, orientation, tmp_path):
    _write(tmp_path / name, _IMAGE, orientation)
    np.testing.assert_array_equal(read_image(tmp_path / name), _upright(_IMAGE, orientation))
    np.testing.assert_array_equal(read_raw_mask(tmp_path / name).pixels, _upright(_IMAGE, orientation))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_mask_of_the_stored_image_is_turned_with_it(name, orientation, tmp_path):
    image = _write(tmp_path / name, _IMAGE, orientation)
    Image.fromarray(_MASK).save(tmp_path / "mask.png")
    source = _source(image, tmp_path / "mask.png")
    pixels, mask = source.pair(0)
    np.testing.assert_array_equal(mask.pixels, pixels[..., 0] > 128)
    np.testing.assert_array_equal(source.raw_mask(0).pixels, mask.pixels)
    assert source.doubts(0) == ()


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_mask_that_is_upright_is_left_so(orientation, tmp_path):
    image = _write(tmp_path / "a.png", _IMAGE, orientation)
    Image.fromarray(_upright(_MASK, orientation)).save(tmp_path / "mask.png")
    pixels, mask = _source(image, tmp_path / "mask.png").pair(0)
    np.testing.assert_array_equal(mask.pixels, pixels[..., 0] > 128)


def test_a_mask_of_an_image_that_is_turned_upside_down_is_a_doubt(make_folder, pictures):
    images, masks = pictures
    folder = make_folder(images, masks)
    for name in ("a.png", "c.png"):
        _write(folder / "images" / name, images[name].astype(np.uint8), 3)
    warnings = survey(folder).warnings
    (text,) = (text for text in warnings if "orientation" in text)
    assert text.startswith("images/a.png: its orientation tag (3) turns the image")
    assert text.endswith(" (and 1 more: images/c.png)")


@pytest.mark.parametrize("channels", [2, 5])
@pytest.mark.parametrize(
    "write", [tifffile.imwrite, lambda path, pixels: skimage.io.imsave(path, pixels, check_contrast=False)]
)
def test_a_tiff_that_python_wrote_channels_last_is_read_so(write, channels, tmp_path):
    pixels = _RANDOM.integers(0, 255, (20, 30, channels), dtype=np.uint8)
    write(tmp_path / "a.tif", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels)
    np.testing.assert_array_equal(read_raw_mask(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=["last", "first"])
@pytest.mark.parametrize("write", [tifffile.imwrite, np.save], ids=["a.tif", "a.npy"])
def test_the_mask_and_the_network_tell_which_axis_has_the_channels(write, order, tmp_path):
    pixels = _RANDOM.integers(0, 255, (20, 30, 40), dtype=np.uint8)  # more channels than rows
    image = tmp_path / ("a.npy" if write is np.save else "a.tif")
    write(image, np.ascontiguousarray(pixels.transpose(order)))
    Image.fromarray(_MASK).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(_source(image, tmp_path / "mask.png").pair(0)[0], pixels)
    np.testing.assert_array_equal(_source(image, tmp_path / "mask.png").image(0), pixels)
    with open_image(image, channels=40) as opened:
        np.testing.assert_array_equal(opened[:, :], pixels)


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_slices_and_times_are_no_classes_and_doubtful_channels(axes, make_folder, pictures):
    images, masks = pictures
    folder = make_folder(images, masks)
    stack = np.stack([images["a.png"][..., 0]] * 5).astype(np.uint8)
    (folder / "images" / "a.png").unlink()
    tifffile.imwrite(folder / "images" / "a.tif", stack, imagej=True, metadata={"axes": axes})
    tifffile.imwrite(folder / "masks" / "volume.tif", stack, imagej=True, metadata={"axes": axes})
    things = {"ZYX": "slices", "TYX": "times"}[axes]
    with pytest.raises(
        unetzoo.DataError, match=rf"volume\.tif is a mask of 5 {things} \(axes {axes}\), which are not cl"
    ):
        read_raw_mask(folder / "masks" / "volume.tif")
    assert any(
        problem.text == f"images/a.tif: its 5 {things} (axes {axes}) are taken for channels"
        for problem in survey(folder).problems
    )


def _objects(*places):
    mask = np.zeros((20, 30), np.uint8)
    for row, column in places:
        mask[row : row + 4, column : column + 4] = 255
    return mask


def test_several_masks_of_an_image_are_joined(make_folder, pictures):
    images, _ = pictures
    masks = {"a_mask.png": _objects((0, 0)), "a_mask_1.png": _objects((2, 2)), "a_mask_2.png": _objects((9, 20))}
    folder = make_folder({"a.png": images["a.png"]}, masks)
    source = _source(folder / "images" / "a.png", *_split(folder, masks))
    np.testing.assert_array_equal(source.raw_mask(0).pixels, _objects((0, 0), (2, 2), (9, 20)))


@pytest.mark.parametrize(
    "second",
    [_objects((2, 2)) // 2, _objects((2, 2))[:-1], np.arange(600).reshape(20, 30) % 7],
    ids=["value", "size", "ids"],
)
def test_masks_that_may_mean_several_classes_are_not_joined(second, make_folder, pictures):
    masks = {"a_mask.png": _objects((0, 0)), "a_mask_1.png": second}
    folder = make_folder({"a.png": pictures[0]["a.png"]}, masks)
    with pytest.raises(
        unetzoo.DataError, match=r"a\.png has 2 masks \(a_mask\.png, a_mask_1\.png\), which cannot be join"
    ):
        _source(folder / "images" / "a.png", *_split(folder, masks)).pair(0)


def _split(folder, masks):
    first, *others = (folder / "masks" / name for name in masks)
    return first, tuple(others)
