import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

import unetzoo
from unetzoo.data.formats.read import read_image, read_raw_mask

RANDOM = np.random.default_rng(0)


def _pixels(*shape, dtype=np.uint8):
    if np.dtype(dtype).kind == "f":
        return RANDOM.random(shape).astype(dtype)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_png_is_read_as_it_was_written(tmp_path, mode):
    pixels = _pixels(5, 7) if mode == "L" else _pixels(5, 7, 3)
    Image.fromarray(pixels, mode=None).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels.reshape(5, 7, -1))


def test_a_png_of_16_bits_keeps_them(tmp_path):
    pixels = _pixels(5, 7, dtype=np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    actual = read_image(tmp_path / "a.png")
    assert actual.dtype == np.uint16
    np.testing.assert_array_equal(actual[..., 0], pixels)


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_a_png_of_16_bits_keeps_them_in_color_and_loses_its_alpha(tmp_path, kind, channels):
    pixels = _pixels(5, 7, channels, dtype=np.uint16)
    header = struct.pack(">IIBBBBB", 7, 5, 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)  # each after the number of its filter
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        file += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    (tmp_path / "a.png").write_bytes(file)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels[..., : 3 if channels > 2 else 1])


def test_a_picture_may_be_larger_than_pillow_takes_for_an_attack(tmp_path, monkeypatch):
    pixels = _pixels(50, 70)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 0], pixels)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_a_png_with_alpha_or_a_palette_becomes_colors(tmp_path):
    pixels = _pixels(5, 7, 4)
    Image.fromarray(pixels).save(tmp_path / "alpha.png")
    np.testing.assert_array_equal(read_image(tmp_path / "alpha.png"), pixels[..., :3])
    palette = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    palette = palette.convert("P")
    palette.putpalette([value for index in range(256) for value in (index, 0, 255 - index)])
    palette.save(tmp_path / "palette.png")
    assert read_image(tmp_path / "palette.png")[1, 2].tolist() == [5, 0, 250]
    np.testing.assert_array_equal(read_raw_mask(tmp_path / "palette.png"), np.arange(6).reshape(2, 3))


def test_a_photograph_is_turned_as_its_camera_was(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(_pixels(16, 40, 3)).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (40, 16, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int16, np.float32])
def test_a_tiff_keeps_its_depth(tmp_path, dtype):
    pixels = _pixels(6, 9, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    actual = read_image(tmp_path / "a.tif")
    assert actual.dtype == dtype
    np.testing.assert_array_equal(actual[..., 0], pixels)


@pytest.mark.parametrize(
    ("shape", "options", "last"),
    [
        ((6, 9, 3), {"photometric": "rgb"}, False),
        ((6, 9, 7), {"photometric": "minisblack", "planarconfig": "contig"}, False),
        ((7, 6, 9), {"photometric": "minisblack"}, True),  # pages
        ((4, 6, 9), {"imagej": True, "metadata": {"axes": "CYX"}}, True),
        ((3, 6, 9), {"ome": True, "metadata": {"axes": "CYX"}}, True),
    ],
)
def test_channels_and_pages_of_a_tiff_become_channels(tmp_path, shape, options, last):
    pixels = _pixels(*shape)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.moveaxis(pixels, 0, 2) if last else pixels)


def test_pages_that_were_written_one_by_one_become_channels(tmp_path):
    pixels = _pixels(5, 7, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for channel in range(3):
            writer.write(pixels[..., channel])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels)


def test_of_pages_that_differ_the_largest_is_read(tmp_path):
    pixels = _pixels(50, 70, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pixels[::8, ::8], photometric="rgb")  # a thumbnail
        writer.write(pixels, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels)


def test_a_tiff_is_read_as_a_viewer_shows_it(tmp_path):
    pixels = _pixels(5, 7)
    tifffile.imwrite(tmp_path / "white.tif", pixels, photometric="miniswhite")
    with Image.open(tmp_path / "white.tif") as shown:
        np.testing.assert_array_equal(read_image(tmp_path / "white.tif")[..., 0], np.asarray(shown))
    picture = Image.fromarray(_pixels(5, 7)).convert("P")
    picture.putpalette([value for index in range(256) for value in (index, 0, 255 - index)])
    picture.save(tmp_path / "palette.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "palette.tif"), np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(read_raw_mask(tmp_path / "palette.tif"), np.asarray(picture))


def test_a_name_that_is_no_path_is_one_clear_error(tmp_path):
    with pytest.raises(unetzoo.DataError, match="cannot be read: File name too long"):
        read_image(tmp_path / f"{'1 2 ' * 1000}.png")


def test_a_stack_with_channels_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", _pixels(5, 2, 6, 9), imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(unetzoo.DataError, match=r"a\.tif has the axes ZCYX \(5, 2, 6, 9\); only height, width and one"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("shape", "expected_shape"), [((6, 9), (6, 9, 1)), ((6, 9, 4), (6, 9, 4)), ((4, 6, 9), (6, 9, 4))]
)
def test_the_shorter_axis_of_an_array_is_its_channels(tmp_path, shape, expected_shape):
    np.save(tmp_path / "a.npy", _pixels(*shape, dtype=np.float32))
    assert read_image(tmp_path / "a.npy").shape == expected_shape


def _truncated(path):
    Image.fromarray(_pixels(64, 64, 3)).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def _no_picture(path):
    path.write_text("hello")


def _objects(path):
    np.save(path, np.array([[object()]]), allow_pickle=True)


def _texts(path):
    np.save(path, np.array([["a"]]))


def _infinite(path):
    np.save(path, np.array([[-np.inf, np.nan], [np.inf, 1]]))


def _volume(path):
    np.save(path, np.zeros((2, 3, 4, 5)))


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.png", lambda path: None, "there is no file .*a.png"),
        ("a.png", lambda path: path.mkdir(), "a.png is not a file"),
        ("a.png", lambda path: path.touch(), "a.png is empty: it has 0 bytes"),
        ("a.png", _truncated, "a.png cannot be read: OSError"),
        ("a.tif", _no_picture, "a.tif cannot be read: its content is not png, jpeg"),
        ("a.npy", _no_picture, "a.npy cannot be read"),
        ("a.npy", _objects, "a.npy: pixels must be numbers, but these are object"),
        ("a.npy", _texts, "a.npy: pixels must be numbers"),
        ("a.npy", _volume, r"a.npy: an image must be \(h, w\) or \(h, w, channels\), but this is \(2, 3, 4, 5\)"),
        ("a.npy", _infinite, "a.npy: 2 of its 4 values are infinite"),
        ("a.doc", _no_picture, r"a.doc has none of the endings \.png"),
    ],
)
def test_what_is_no_image_is_one_clear_error(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(unetzoo.DataError, match=message):
        read_image(tmp_path / name)
