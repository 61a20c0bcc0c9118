import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from unetzoo import DataError
from unetzoo.data.formats.read import open_image, read_image

_WINDOW = slice(3, 90), slice(40, 131)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 60_000, (120, 150, 3), dtype=np.uint16)


def _write_tiff(path, pixels, **how):
    tifffile.imwrite(path, pixels, **how)


def _check(path, pixels, *, whole=2**27):
    with open_image(path, whole=whole) as image:
        assert isinstance(image, np.ndarray) == (whole > 0 and path.suffix != ".npy")
        assert tuple(image.shape) == pixels.shape
        assert image.dtype == pixels.dtype
        assert np.array_equal(image[_WINDOW], pixels[_WINDOW])


@pytest.mark.parametrize(
    "how",
    [
        {"tile": (32, 48)},
        {"tile": (32, 32), "compression": "zlib", "predictor": True},
        {"rowsperstrip": 7, "compression": "lzw"},
        {"bigtiff": True, "tile": (64, 64)},
        {},
    ],
    ids=str,
)
def test_a_tiff_is_read_by_blocks(how, pixels, tmp_path):
    _write_tiff(tmp_path / "a.tif", pixels, photometric="rgb", **how)
    _check(tmp_path / "a.tif", pixels, whole=0)


def test_the_pages_of_a_tiff_are_channels(pixels, tmp_path):
    _write_tiff(tmp_path / "a.tif", pixels.transpose(2, 0, 1), photometric="minisblack", tile=(32, 32))
    _check(tmp_path / "a.tif", pixels)


def test_a_pyramid_is_read_at_its_finest_level(pixels, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pixels, tile=(32, 32), subifds=1, photometric="rgb")
        writer.write(pixels[::2, ::2], tile=(32, 32), subfiletype=1, photometric="rgb")
    _check(tmp_path / "a.tif", pixels, whole=0)


def test_pixels_of_one_bit_are_0_and_255_whole_and_by_windows_as_in_a_png(pixels, tmp_path):
    bits = pixels[..., 0] > 30_000
    tifffile.imwrite(tmp_path / "a.tif", bits, tile=(32, 32), photometric="minisblack")
    Image.fromarray(bits).save(tmp_path / "a.png")
    _check(tmp_path / "a.png", np.where(bits, 255, 0)[..., None].astype(np.uint8))
    for whole in (0, 2**27):
        _check(tmp_path / "a.tif", np.where(bits, 255, 0)[..., None].astype(np.uint8), whole=whole)
    tifffile.imwrite(tmp_path / "white.tif", ~bits, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "white.tif")[..., 0], np.where(bits, 255, 0))


def test_a_small_tiff_and_a_png_are_read_as_everywhere_else(pixels, tmp_path):
    _write_tiff(tmp_path / "a.tif", pixels, photometric="rgb")
    _check(tmp_path / "a.tif", pixels)


def test_numpy_files_have_channels_first_or_last(pixels, tmp_path):
    np.save(tmp_path / "a.npy", pixels)
    _check(tmp_path / "a.npy", pixels)
    np.save(tmp_path / "b.npy", pixels.transpose(2, 0, 1))
    _check(tmp_path / "b.npy", pixels)
    np.save(tmp_path / "c.npy", pixels[..., 0])
    _check(tmp_path / "c.npy", pixels[..., :1])


def test_zarr_arrays_are_read(pixels, tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=pixels.shape, chunks=(32, 32, 3), dtype=pixels.dtype)
    array[:] = pixels
    _check(tmp_path / "a.zarr", pixels)


def test_ome_zarr_is_read_at_its_finest_level(pixels, tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"multiscales": [{"datasets": [{"path": "0"}]}]}})
    stored = pixels.transpose(2, 0, 1)[None, :, None]  # t, c, z, y, x
    group.create_array("0", data=stored, chunks=(1, 1, 1, 32, 32))
    _check(tmp_path / "a.zarr", pixels)


@pytest.mark.parametrize("broken", ["missing", "empty", "damaged", "axes"])
@pytest.mark.parametrize("suffix", ["tif", "npy", "zarr"])
def test_what_cannot_be_read_is_named(broken, suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    if broken == "axes":
        many = np.zeros((2, 3, 20, 20, 3), np.uint8)
        if suffix == "tif":
            tifffile.imwrite(path, many, photometric="rgb", metadata={"axes": "TZYXS"})
        elif suffix == "npy":
            np.save(path, many)
        else:
            zarr.create_array(path, data=many)
    elif suffix == "zarr" and broken != "missing":
        path.mkdir()
        (path / "zarr.json").write_bytes(b"" if broken == "empty" else b"{]")
    elif broken != "missing":
        path.write_bytes(b"" if broken == "empty" else b"II*\0\x99\x99\x99\x99" * 9)
    with pytest.raises(DataError, match=r"a\.(tif|npy|zarr)"), open_image(path, whole=0):
        pass


def test_infinity_in_a_block_is_named(tmp_path):
    values = np.zeros((40, 40), np.float32)
    values[30, 30] = np.inf
    np.save(tmp_path / "a.npy", values)
    with open_image(tmp_path / "a.npy", whole=0) as image:
        assert image[0:20, 0:20].shape == (20, 20, 1)
        with pytest.raises(DataError, match=r"a\.npy: 1 of its 400 values are infinite"):
            image[20:40, 20:40]
