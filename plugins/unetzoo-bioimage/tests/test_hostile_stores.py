import json

import numpy as np
import pytest
import zarr
from ome_stores import axis, noise, scaling, write_image, write_store

import unetzoo
from unetzoo.data.formats import open_raster
from unetzoo.data.formats.read import read_image


def _error(path):
    with pytest.raises(unetzoo.DataError) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert "a.ome.zarr" in str(caught.value)
    return str(caught.value)


def _store(folder, version="0.5", **changes):
    datasets = [{"path": "0", "coordinateTransformations": [scaling(0.5, 0.25)]}]
    multiscale = {"axes": [axis("y"), axis("x")], "datasets": datasets, **changes}
    return write_store(folder / "a.ome.zarr", [noise(16, 16)], multiscale, version, chunks=(8, 8))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("place", ["../other.ome.zarr/0", "/etc", "0/../../other.ome.zarr/0", ""])
def test_levels_outside_of_the_store_are_refused(tmp_path, version, place):
    write_image(tmp_path / "other.ome.zarr", noise(16, 16), "yx", version=version)
    assert "leads out of the image" in _error(_store(tmp_path, version, datasets=[{"path": place}]))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("what", ["chunk", "level"])
def test_links_out_of_the_store_are_refused(tmp_path, version, what):
    other, path = (
        write_image(tmp_path / "b.ome.zarr", noise(16, 16), "yx", version=version, chunks=(8, 8)),
        _store(tmp_path, version),
    )
    inner = "0" if what == "level" else "0/c/1/0" if version == "0.5" else "0/1/0"
    (path / inner).rename(tmp_path / "moved")
    (path / inner).symlink_to(other / inner)
    assert "outside of its store, and is not read" in _error(path)


def test_shards_outside_of_the_store_are_refused(tmp_path):
    path = _store(tmp_path)
    array = zarr.create_array(path / "0", shape=(16, 16), chunks=(4, 4), shards=(8, 8), dtype="uint16", overwrite=True)
    array[...] = noise(16, 16)
    with open_raster(path) as raster:
        assert raster.block == (4, 4)
        np.testing.assert_array_equal(raster.read((slice(2, 13), slice(3, 9)))[..., 0], noise(16, 16)[2:13, 3:9])
        shard = path / "0" / "c" / "0" / "0"
        shard.rename(tmp_path / "moved")
        shard.symlink_to(tmp_path / "moved")
        with pytest.raises(unetzoo.DataError, match="outside of its store"):
            raster.read((slice(2, 4), slice(3, 4)))


def test_a_link_to_the_store_itself_is_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.ome.zarr").symlink_to(_store(tmp_path / "folder"))
    assert read_image(tmp_path / "a.ome.zarr").shape == (16, 16, 1)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("shape", "chunks", "text"),
    [
        ([2**40, 2**40], [8, 8], "are made to fill the memory"),
        ([10**6, 10**6], [10**6, 10**6], "are made to fill the memory"),
        ([16, 0], [8, 8], "cannot be read|must be"),
        ([16, -1], [8, 8], "cannot be read"),
    ],
)
def test_absurd_shapes_are_refused(tmp_path, version, shape, chunks, text):
    path = _store(tmp_path, version)
    file = path / "0" / ("zarr.json" if version == "0.5" else ".zarray")
    metadata = json.loads(file.read_text())
    metadata["shape"] = shape
    if version == "0.5":
        metadata["chunk_grid"]["configuration"]["chunk_shape"] = chunks
    else:
        metadata["chunks"] = chunks
    file.write_text(json.dumps(metadata))
    assert any(part in _error(path) for part in text.split("|"))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"datasets": []}, "there are no datasets"),
        ({"datasets": [{"path": "7"}]}, "announces the level 7, which is missing"),
        ({"datasets": [{"path": "0"}, {"path": "0"}]}, "the next must be coarser"),
        ({"axes": [axis("y")]}, "the axes y are not y and x"),
        ({"axes": [axis("y"), axis("y")]}, "the axes y, y are not y and x"),
        ({"axes": [axis("z"), axis("y"), axis("x")], "datasets": [{"path": "0"}]}, "has other axes than z, y, x"),
        ({"version": "0.6"}, "their version is 0.6, and up to 0.5 are read"),
        ({"coordinateTransformations": [scaling(1, 0)]}, "is not above 0"),
        ({"coordinateTransformations": [scaling(1)]}, "are not 2 finite numbers"),
        ({"coordinateTransformations": [scaling(1, float("nan"))]}, "are not 2 finite numbers"),
        ({"coordinateTransformations": [{"type": "affine"}]}, "'affine' is neither scale nor translation"),
        ({"coordinateTransformations": 3}, "metadata of OME-Zarr are invalid"),
        ({"axes": 3}, "metadata of OME-Zarr are invalid"),
    ],
)
def test_invalid_metadata_are_explained(tmp_path, changes, text):
    assert text in _error(_store(tmp_path, **changes))


def test_several_times_are_refused(tmp_path):
    path = write_image(tmp_path / "a.ome.zarr", noise(3, 8, 9), "tyx")
    assert "has 3 times (axes t, y, x, (3, 8, 9)), and one is read; store each as an image of its own" in _error(path)


def test_a_plate_and_a_group_without_images_are_refused(tmp_path):
    path = _store(tmp_path)
    for attributes, text in (({"plate": {}}, "holds a plate"), ({}, "holds no multiscales of OME-Zarr")):
        file = path / "zarr.json"
        file.write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": attributes}}))
        assert text in _error(path)


def test_a_single_array_is_refused(tmp_path):
    (_store(tmp_path) / "0").rename(tmp_path / "b.ome.zarr")
    with pytest.raises(unetzoo.DataError, match="it is not a group of Zarr"):
        read_image(tmp_path / "b.ome.zarr")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_any_value_of_the_metadata_may_be_wrong(tmp_path, version):
    path = _store(tmp_path, version)
    for file in [each for each in path.rglob("*") if each.name in ("zarr.json", ".zattrs", ".zgroup", ".zarray")]:
        text = file.read_text()
        for changed in _changed(json.loads(text)):
            file.write_text(json.dumps(changed))
            try:
                read_image(path)
            except unetzoo.DataError as caught:
                error = caught
                assert "\n" not in str(error), changed
        file.write_text(text)


def _changed(value):
    """The same data with one value replaced, everywhere once."""
    yield from (None, -3, "x", [], {}, [[1]])
    if isinstance(value, dict):
        yield from ({**value, key: other} for key in value for other in _changed(value[key]))
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from ([*value[:number], other, *value[number + 1 :]] for other in _changed(item))
