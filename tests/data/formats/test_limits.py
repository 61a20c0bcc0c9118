import json
import tracemalloc
import zlib

import hostile_images as hostile
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import unetzoo
from unetzoo.data.formats import limits
from unetzoo.data.formats.read import open_image, read_image, read_raw_mask

_BOMBS = {
    "a.png": hostile.write_png,
    "bits.png": lambda path: hostile.write_png(path, depth=1),
    "deep.png": lambda path: hostile.write_png(path, 30_000, depth=16, color=2),
    "a.gif": hostile.write_gif,
    "a.bmp": hostile.write_bmp,
    "named.jpg": hostile.write_png,
    "planes.tif": hostile.write_planes_of_ome,
    "a.npy": hostile.write_array,
}


@pytest.mark.parametrize("name", _BOMBS)
@pytest.mark.parametrize("read", [read_image, read_raw_mask], ids=["image", "mask"])
def test_a_small_file_that_announces_gigabytes_is_refused_before_it_is_decoded(name, read, tmp_path):
    _BOMBS[name](tmp_path / name)
    tracemalloc.start()
    try:
        with pytest.raises(unetzoo.DataError, match=f"{name} announces"):
            read(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_an_image_of_which_no_pixel_is_stored_is_refused(tmp_path):
    hostile.write_sparse_tiff(tmp_path / "sparse.tif")
    with pytest.raises(unetzoo.DataError, match=r"sparse\.tif announces"), open_image(tmp_path / "sparse.tif"):
        pass


@pytest.mark.parametrize("name", _BOMBS)
def test_what_is_read_by_blocks_is_bounded_too(name, tmp_path):
    _BOMBS[name](tmp_path / name)
    with pytest.raises(unetzoo.DataError, match=name), open_image(tmp_path / name):
        pass


@pytest.mark.parametrize(("side", "size"), [(10**6, "1,000 GB"), (2**40, "1,208,925,819,614,629 GB")])
def test_a_zarr_array_without_chunks_is_refused(tmp_path, side, size):
    zarr.create_array(tmp_path / "a.zarr", shape=(side, side), chunks=(1024, 1024), dtype="uint8")
    with (
        pytest.raises(unetzoo.DataError, match=rf"a\.zarr announces {size} of pixels"),
        open_image(tmp_path / "a.zarr"),
    ):
        pass


@pytest.mark.parametrize("edge", [0, 1], ids=["empty", "nearly empty"])
def test_a_mask_of_zarr_without_most_of_its_chunks_is_read(tmp_path, monkeypatch, edge):
    monkeypatch.setattr(limits, "_MODEST", 2**16)
    array = zarr.create_array(tmp_path / "a.zarr", shape=(1000, 1200), chunks=(256, 256), dtype="uint8")
    array[:edge, :3] = 1
    assert read_raw_mask(tmp_path / "a.zarr").pixels.sum() == 3 * edge
    with pytest.raises(unetzoo.DataError, match=r"a\.zarr announces"):
        read_image(tmp_path / "a.zarr")


def test_a_mask_that_the_memory_cannot_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: 2**31)
    zarr.create_array(tmp_path / "a.zarr", shape=(2**30, 2**30), chunks=(1024, 1024), dtype="uint8")
    hostile.write_tiff(tmp_path / "blank.tif")
    hostile.write_sparse_tiff(tmp_path / "sparse.tif")
    for name in ("a.zarr", "blank.tif", "sparse.tif"):
        with pytest.raises(unetzoo.DataError, match=f"{name} needs .* of memory"):
            read_raw_mask(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "bits.png", "palette.png", "a.tif"])
def test_a_nearly_empty_mask_is_read_whatever_its_compression_makes_of_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_MODEST", 2**16)
    pixels = np.zeros((4000, 4000), np.uint8)
    pixels[1000:1010, 20:50] = 1
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, pixels, compression="zstd")
        assert (tmp_path / name).stat().st_size < pixels.nbytes / 2000
    else:
        picture = Image.fromarray(pixels.astype(bool) if name == "bits.png" else pixels)
        if name == "palette.png":
            picture.putpalette([0, 0, 0, 255, 0, 0])
        picture.save(tmp_path / name)
    np.testing.assert_array_equal(read_raw_mask(tmp_path / name).pixels > 0, pixels > 0)


@pytest.mark.parametrize("name", ["labels.tif", "labels.png", "labels.zarr"])
def test_a_label_image_with_few_objects_is_opened(name, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_MODEST", 2**16)
    ids = np.zeros((3000, 4000), np.uint16)
    ids[1000:1010, 20:50] = 7
    if name == "labels.png":
        Image.fromarray(ids).save(tmp_path / name)
    elif name == "labels.tif":
        tifffile.imwrite(tmp_path / name, ids, tile=(512, 512), compression="zlib")
    else:
        zarr.create_array(tmp_path / name, shape=ids.shape, chunks=(512, 512), dtype=ids.dtype)[:] = ids
    with open_image(tmp_path / name, role="mask", whole=0) as labels:
        np.testing.assert_array_equal(labels[1000:1010, 10:60][..., 0], ids[1000:1010, 10:60])


def test_a_zarr_array_of_one_huge_chunk_is_refused(tmp_path, monkeypatch):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(8, 8), chunks=(8, 8), dtype="uint8")
    array[:] = 1
    described = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())
    described["shape"] = described["chunk_grid"]["configuration"]["chunk_shape"] = [2**20, 2**20]
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps(described))
    monkeypatch.setattr(limits, "_MOST_TIMES", 2**62)
    with pytest.raises(unetzoo.DataError, match="needs 2,199 GB of memory"), open_image(tmp_path / "a.zarr"):
        pass


def test_a_large_picture_that_its_bytes_account_for_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_MODEST", 2**10)
    pixels = np.random.default_rng(0).integers(0, 255, (300, 400), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib")
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name)[..., 0], pixels)


@pytest.mark.parametrize("step", [500, 60_001], ids=["drawn", "empty"])
def test_a_mask_is_not_taken_for_an_attack(step):
    side = 60_000
    strip = np.zeros((1000, side), np.uint8)  # one of many alike
    for left in range(7, side, step):
        strip[:, left : left + 243] = 255
    limits.check_backed("a.png", side * side, len(zlib.compress(strip, 9)) * side // 1000)


def test_a_picture_that_the_memory_cannot_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_MODEST", 2**10)
    monkeypatch.setattr(limits, "free_memory", lambda: 2**11)
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.tile(pixels, (2, 2)))
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    for name in ("a.png", "a.npy", "a.tif"):
        with pytest.raises(unetzoo.DataError, match=f"{name} needs .* of memory"):
            read_image(tmp_path / name)


def test_the_free_memory_is_that_of_the_machine():
    assert 2**26 < limits.free_memory() < 2**45
