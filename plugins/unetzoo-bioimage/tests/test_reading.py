import numpy as np
import pytest
import zarr
from ome_stores import axis, moving, noise, scaling, write_image, write_store

import unetzoo
from unetzoo.data.formats import open_raster
from unetzoo.data.formats.read import read_image
from unetzoo.testing import check_format

VERSIONS = ["0.4", "0.5"]


def test_the_format_keeps_the_contract():
    check_format("ome-zarr")


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


def test_levels_have_the_pixels_the_scale_and_the_place_of_their_arrays(tmp_path, version):
    values = noise(1, 2, 4, 20, 30)
    levels = [values, values[:, :, :, ::2, ::2], values[:, :, ::2, ::4, ::4]]
    transformations = [
        [scaling(1, 1, 2, 0.5, 0.25), moving(0, 0, 7, 3, -1)],
        [scaling(1, 1, 2, 1.0, 0.5), moving(0, 0, 7, 3.25, -0.875)],
        [scaling(1, 1, 4, 2.0, 1.0), moving(0, 0, 8, 3.75, -0.625)],
    ]
    datasets = [{"path": str(n), "coordinateTransformations": each} for n, each in enumerate(transformations)]
    multiscale = {"axes": [axis(letter) for letter in "tczyx"], "datasets": datasets}
    omero = {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}
    path = write_store(tmp_path / "a.ome.zarr", levels, multiscale, version, chunks=(1, 1, 2, 8, 16), omero=omero)
    with open_raster(path) as raster:
        assert raster.block == (2, 8, 16)
        assert raster.grid.bands == ("DAPI", "GFP")
        assert [tuple(each) for each in raster.grid.axes] == [("z", 2, "um"), ("y", 0.5, "um"), ("x", 0.25, "um")]
        for level, expected in zip([raster, *raster.levels], levels, strict=True):
            np.testing.assert_array_equal(level.read(level.whole), np.moveaxis(expected[0], 0, -1))
        coarsest = raster.levels[1].grid
        assert [each.step for each in coarsest.axes] == [4, 2, 1]
        places = [np.array(grid.affine) @ [1, 2, 3, 1] for grid in (raster.grid, coarsest)]
        np.testing.assert_allclose(places, [[-0.25, 4, 9], [2.375, 7.75, 12]])


@pytest.mark.parametrize("letters", ["yx", "zyx", "cyx", "czyx", "tyx", "tczyx", "xyc", "yxc"])
def test_axes_have_any_order_and_channels_are_the_last_of_the_raster(tmp_path, version, letters):
    lengths = {"t": 1, "c": 2, "z": 3, "y": 6, "x": 5}
    values = noise(*(lengths[letter] for letter in letters))
    steps = [{"t": 9, "c": 1, "z": 2, "y": 0.5, "x": 0.25}[letter] for letter in letters]
    path = write_image(tmp_path / "a.ome.zarr", values, letters, steps, version)
    order = [letter for letter in "tzyxc" if letter in letters]
    expected = np.einsum(f"{letters}->{''.join(order)}", values)
    expected = expected[0] if "t" in letters else expected
    expected = expected if "c" in letters else expected[..., None]
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole), expected)
        steps_read = {each.name: each.step for each in raster.grid.axes}
        assert steps_read == {letter: step for letter, step in zip(letters, steps, strict=True) if letter in "zyx"}
        window = (slice(1, 3), slice(2, 5), slice(1, 4))[-raster.read(raster.whole).ndim + 1 :]
        np.testing.assert_array_equal(raster.read(window), expected[window])


def test_a_volume_of_one_slice_is_an_image(tmp_path, version):
    values = noise(1, 3, 1, 8, 9)
    path = write_image(tmp_path / "a.ome.zarr", values, "tczyx", [1, 1, 5, 0.5, 0.25], version)
    np.testing.assert_array_equal(read_image(path), np.moveaxis(values[0, :, 0], 0, -1))
    with open_raster(path) as raster:
        assert [each.name for each in raster.grid.axes] == ["y", "x"]


def test_transformations_of_the_whole_come_after_those_of_a_level(tmp_path, version):
    datasets = [{"path": "0", "coordinateTransformations": [scaling(2, 3), moving(10, 20)]}]
    after = [scaling(0.5, 0.1), moving(1, 2)]
    multiscale = {"axes": [axis("y"), axis("x")], "datasets": datasets, "coordinateTransformations": after}
    with open_raster(write_store(tmp_path / "a.ome.zarr", [noise(4, 5)], multiscale, version)) as raster:
        np.testing.assert_allclose([each.step for each in raster.grid.axes], [1, 0.3])
        np.testing.assert_allclose(raster.grid.affine, [[0, 0.3, 4], [1, 0, 6]])


@pytest.mark.parametrize("axes", [None, ["t", "c", "z", "y", "x"]])
def test_older_versions_name_axes_at_most_and_have_no_scale(tmp_path, axes):
    values = noise(1, 2, 1, 6, 5)
    multiscale = {"datasets": [{"path": "0"}]} | ({"axes": axes} if axes else {})
    path = write_store(tmp_path / "a.ome.zarr", [values], multiscale, "0.3" if axes else "0.1")
    np.testing.assert_array_equal(read_image(path), np.moveaxis(values[0, :, 0], 0, -1))
    with open_raster(path) as raster:
        assert [each.step for each in raster.grid.axes] == [None, None]


def test_a_window_reads_its_own_chunks_alone(tmp_path, version):
    path = write_image(tmp_path / "a.ome.zarr", values := noise(32, 32), "yx", version=version, chunks=(16, 16))
    chunks = sorted(each for each in path.rglob("*") if each.is_file() and each.name.isdecimal())
    assert len(chunks) == 4
    for chunk in chunks[:3]:
        chunk.write_bytes(b"damaged")
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read((slice(16, 32), slice(17, 30)))[..., 0], values[16:, 17:30])
        with pytest.raises(Exception):  # noqa: B017, PT011 - of any kind: read_image explains it
            raster.read(raster.whole)
    with pytest.raises(unetzoo.DataError, match=r"a\.ome.zarr cannot be read"):
        read_image(path)


def test_a_series_of_one_image_is_that_image_and_one_of_several_is_not_guessed(tmp_path, version):
    path = tmp_path / "a.ome.zarr"
    group = zarr.create_group(path, zarr_format=3 if version == "0.5" else 2)
    layout = {"bioformats2raw.layout": 3}
    group.attrs.update({"ome": {"version": version, **layout}} if version == "0.5" else layout)
    values = noise(6, 5)
    write_image(path / "0", values, "yx", [0.5, 0.25], version)
    np.testing.assert_array_equal(read_image(path)[..., 0], values)
    write_image(path / "1", values, "yx", [0.5, 0.25], version)
    with pytest.raises(unetzoo.DataError, match=r"a\.ome.zarr holds 2 images, and one image is read"):
        read_image(path)


def test_the_longest_ending_decides_who_reads_a_folder(tmp_path):
    for name, steps in (("a.ome.zarr", [0.5, 0.25]), ("a.zarr", [])):
        with open_raster(write_image(tmp_path / name, noise(6, 5), "yx", [0.5, 0.25])) as raster:
            assert [each.step for each in raster.grid.axes] == steps


def test_ome_zarr_reads_the_same(tmp_path, version):
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    values = noise(2, 20, 30)
    path = write_image(tmp_path / "a.ome.zarr", values, "cyx", [1, 0.5, 0.25], version, chunks=(1, 8, 8))
    (node,) = Reader(parse_url(path))()
    (steps,) = node.metadata["coordinateTransformations"]
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole), np.moveaxis(np.asarray(node.data[0]), 0, -1))
        assert [each.step for each in raster.grid.axes] == steps[0]["scale"][1:]
