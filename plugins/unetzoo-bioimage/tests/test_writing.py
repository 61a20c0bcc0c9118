import json
from dataclasses import dataclass

import numpy as np
import pytest
import zarr
from ome_stores import UNIT, noise, write_image
from typer.testing import CliRunner
from unetzoo_bioimage.labels import add_labels
from unetzoo_bioimage.writing import check_target, write_ome_zarr

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats import NO_GRID, Axis, Grid, open_raster
from unetzoo.data.formats.read import read_image

_PLACED = Grid(axes=(Axis("y", 0.5, "um"), Axis("x", 0.25, "um")), affine=((0, 0.25, 7), (0.5, 0, -3)))
VERSIONS = ["0.4", "0.5"]


@dataclass
class _Result:
    array: np.ndarray
    axes: str = "YX"
    grid: Grid = NO_GRID
    palette: np.ndarray | None = None
    nodata: float | None = None

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype

    def blocks(self, rows=None):
        axis = self.axes.index("Z" if "Z" in self.axes else "Y")
        for top in range(0, self.shape[axis], rows):
            yield top, self.array[(slice(None),) * axis + (slice(top, top + rows),)]


def _write(path, array, *arguments, **keywords):
    write_ome_zarr(path, _Result(array, *arguments, **keywords))
    return path


def _ome(path):
    return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]


def _network(classes=3):
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=classes)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_prediction_lies_where_its_image_lies(tmp_path, version):
    image = write_image(tmp_path / "a.ome.zarr", noise(1, 1, 1, 40, 60), "tczyx", [1, 1, 4, 0.5, 0.25], version)
    model = _network().eval()
    for name in ("mask.ome.zarr", "mask.npy"):
        (done,) = unetzoo.predict_files(model, image, tmp_path / name)
        assert (done.state, done.warnings) == ("predicted", ()), done
    ids = zarr.open(tmp_path / "mask.ome.zarr", mode="r")["0"]
    np.testing.assert_array_equal(ids[...], np.load(tmp_path / "mask.npy"))
    assert ids.metadata.dimension_names == ("y", "x")
    ome = _ome(tmp_path / "mask.ome.zarr")
    (scales,) = ome["multiscales"]
    assert scales["axes"] == [{"name": name, "type": "space", "unit": UNIT} for name in "yx"]
    assert scales["datasets"] == [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5, 0.25]}]}]
    assert len(ome["image-label"]["colors"]) == 3


def test_ome_zarr_reads_a_result_with_its_levels_scale_and_colors(tmp_path):
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    ids, palette = noise(1100, 60, dtype="uint8") % 2, np.array([[0, 0, 0], [255, 0, 51]], np.uint8)
    path = _write(tmp_path / "mask.ome.zarr", ids, grid=Grid(axes=_PLACED.axes), palette=palette)
    (node,) = Reader(parse_url(path))()
    for level, data in enumerate(node.data):
        np.testing.assert_array_equal(np.asarray(data), ids[:: 2**level, :: 2**level])
    assert [(each["name"], each["unit"]) for each in node.metadata["axes"]] == [("y", UNIT), ("x", UNIT)]
    assert [each[0]["scale"] for each in node.metadata["coordinateTransformations"]] == [[0.5, 0.25], [1, 0.5]]
    np.testing.assert_allclose(node.metadata["color"][1], [1, 0, 0.2, 1])


def test_probabilities_are_channels(tmp_path):
    image = write_image(tmp_path / "a.ome.zarr", noise(40, 60), "yx", [0.5, 0.25])
    model = _network().eval()
    for name in ("p.ome.zarr", "p.npy"):
        unetzoo.predict_files(model, image, tmp_path / name, options=unetzoo.PredictOptions(probabilities=True))
    np.testing.assert_array_equal(zarr.open(tmp_path / "p.ome.zarr", mode="r")["0"][...], np.load(tmp_path / "p.npy"))
    ome = _ome(tmp_path / "p.ome.zarr")
    assert [each["name"] for each in ome["multiscales"][0]["axes"]] == ["c", "y", "x"]
    assert ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] == [1, 0.5, 0.25]
    assert "image-label" not in ome


def test_levels_take_each_second_pixel_and_lie_at_the_same_place(tmp_path):
    array = noise(2100, 1301, dtype="uint8")
    with open_raster(_write(tmp_path / "a.ome.zarr", array, grid=_PLACED)) as raster:
        assert raster.block == (1024, 1024)
        for factor, level in zip((1, 2, 4), (raster, *raster.levels), strict=True):
            np.testing.assert_array_equal(level.read(level.whole)[..., 0], array[::factor, ::factor])
            assert [each.step for each in level.grid.axes] == [0.5 * factor, 0.25 * factor]
            np.testing.assert_allclose(np.array(level.grid.affine) @ [0, 0, 1], [7, -3])


def test_levels_of_a_volume_keep_the_step_of_slices(tmp_path):
    grid = Grid(axes=(Axis("z", 2.5, "um"), *_PLACED.axes))
    with open_raster(_write(tmp_path / "a.ome.zarr", noise(2, 1100, 8, dtype="uint8"), "ZYX", grid)) as raster:
        (coarser,) = raster.levels
        assert [each.step for each in coarser.grid.axes] == [2.5, 1, 0.5]


@pytest.mark.parametrize(("axes", "shape"), [("ZYX", (3, 9, 7)), ("CZYX", (2, 3, 9, 7)), ("YXS", (9, 7, 3))])
def test_volumes_and_colors_are_read_as_they_were_written(tmp_path, axes, shape):
    array = noise(*shape, dtype="uint8")
    expected = {"ZYX": array[..., None], "CZYX": np.moveaxis(array, 0, -1), "YXS": array}[axes]
    with open_raster(_write(tmp_path / "a.ome.zarr", array, axes)) as raster:
        np.testing.assert_array_equal(raster.read(raster.whole), expected)


def test_colors_of_classes_and_the_value_of_no_data_are_in_the_label(tmp_path):
    palette = np.array([[0, 0, 0], [230, 159, 0]], np.uint8)
    path = _write(tmp_path / "a.ome.zarr", noise(9, 7, dtype="uint8") % 2, palette=palette, nodata=255)
    assert _ome(path)["image-label"] == {
        "colors": [{"label-value": 0, "rgba": [0, 0, 0, 255]}, {"label-value": 1, "rgba": [230, 159, 0, 255]}],
        "properties": [{"label-value": 255, "name": "no data"}],
    }


@pytest.mark.parametrize(
    ("grid", "lost"),
    [
        (Grid(axes=_PLACED.axes, affine=_PLACED.affine, crs="EPSG:32633"), "a coordinate system"),
        (Grid(axes=_PLACED.axes, affine=((0, 0.25, 7), (-0.5, 0, 3))), "turned or mirrored axes"),
        (Grid(axes=_PLACED.axes, affine=((0.3, 0.2, 7), (0.4, -0.15, 3))), "turned or mirrored axes"),
    ],
)
def test_what_is_lost_of_a_place_is_said(tmp_path, grid, lost):
    with pytest.warns(unetzoo.DataWarning, match=lost):
        path = _write(tmp_path / "a.ome.zarr", noise(9, 7), grid=grid)
    with open_raster(path) as raster:
        assert raster.grid.axes == _PLACED.axes


def test_a_result_replaces_no_folder_but_a_result(tmp_path):
    check_target(tmp_path / "new.ome.zarr")
    result = _write(tmp_path / "mask.ome.zarr", noise(40, 60, dtype="uint8"))
    check_target(result)
    (tmp_path / "empty.ome.zarr").mkdir()
    image = write_image(tmp_path / "a.ome.zarr", noise(40, 60), "yx")
    (result / "labels").mkdir()
    for path in (image, result, tmp_path / "empty.ome.zarr"):
        with pytest.raises(unetzoo.DataError, match=r"\.ome\.zarr"):
            check_target(path)
    other = write_image(tmp_path / "b.ome.zarr", noise(9, 7), "yx")
    with pytest.raises(unetzoo.DataError, match="is not a result of unetzoo"):
        unetzoo.predict_files(_network().eval(), other, image, options=unetzoo.PredictOptions(overwrite=True))
    assert read_image(image).shape == (40, 60, 1)


def test_a_result_replaces_another_result_as_a_whole(tmp_path):
    image = write_image(tmp_path / "a.ome.zarr", noise(40, 60), "yx")
    target = tmp_path / "mask.ome.zarr"
    _write(target, noise(2, 9, 7), "CYX")
    unetzoo.predict_files(_network().eval(), image, target, options=unetzoo.PredictOptions(overwrite=True))
    assert read_image(target).shape == (40, 60, 1)
    assert {each.name for each in tmp_path.glob("*mask.ome.zarr*") if each.is_dir()} == {"mask.ome.zarr"}


@pytest.fixture(params=VERSIONS)
def labeled(request, tmp_path):
    """An image of each version with the labels "first" and "second", and their ids."""
    image = write_image(tmp_path / "a.ome.zarr", noise(1, 1100, 60), "cyx", [1, 0.5, 0.25], request.param)
    ids = noise(1100, 60, dtype="uint8")
    result = _write(tmp_path / "mask.ome.zarr", ids, grid=Grid(axes=_PLACED.axes))
    before = read_image(image)
    for name in ("first", "second"):
        done = CliRunner().invoke(app, ["add-labels", str(image), str(result), "--name", name])
        assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(read_image(image), before)
    assert read_image(result).shape == (1100, 60, 1)
    return image, ids


def test_labels_have_the_version_of_zarr_of_their_image(labeled):
    image, ids = labeled
    version = zarr.open_group(image, mode="r").metadata.zarr_format
    labels = zarr.open_group(image / "labels", mode="r", zarr_format=version)
    attributes = [dict(group.attrs) for group in (labels, labels["second"])]
    listed, label = [each["ome"] if version == 3 else each for each in attributes]
    assert listed["labels"] == ["first", "second"]
    assert label["image-label"]["source"] == {"image": "../../"}
    assert (label if version == 3 else label["multiscales"][0])["version"] == ("0.5" if version == 3 else "0.4")
    assert label["multiscales"][0]["datasets"][1]["coordinateTransformations"][0]["scale"] == [1, 0.5]
    np.testing.assert_array_equal(labels["second/0"][...], ids)
    np.testing.assert_array_equal(labels["second/1"][...], ids[::2, ::2])


def test_ome_zarr_reads_the_labels_of_an_image(labeled):
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    image, ids = labeled
    labels = {node.zarr.basename(): node for node in Reader(parse_url(image))() if "labels" in str(node.zarr)}
    for name in ("first", "second"):
        for level, data in enumerate(labels[name].data):
            np.testing.assert_array_equal(np.asarray(data), ids[:: 2**level, :: 2**level])
        scales = [each[0]["scale"] for each in labels[name].metadata["coordinateTransformations"]]
        assert scales == [[0.5, 0.25], [1, 0.5]]


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        ("taken", noise(40, 60), "has labels 'taken'; choose another name"),
        ("../b", noise(40, 60), "invalid name of labels '../b'"),
        (".b", noise(40, 60), "invalid name of labels '.b'"),
        ("b", noise(40, 61), r"has the size \(40, 61\), but .* has \(40, 60\)"),
        ("b", noise(40, 60, dtype="float32"), "labels are ids of one channel"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, name, array, text):
    image = write_image(tmp_path / "a.ome.zarr", noise(40, 60), "yx")
    add_labels(image, _write(tmp_path / "taken.ome.zarr", noise(40, 60)), "taken")
    before = {path: path.read_bytes() for path in image.rglob("*") if path.is_file()}
    with pytest.raises(unetzoo.DataError, match=text):
        add_labels(image, _write(tmp_path / "mask.ome.zarr", array), name)
    assert {path: path.read_bytes() for path in image.rglob("*") if path.is_file()} == before


def test_a_damaged_result_leaves_no_labels(tmp_path):
    image = write_image(tmp_path / "a.ome.zarr", noise(40, 60), "yx")
    result = _write(tmp_path / "mask.ome.zarr", noise(40, 60))
    (result / "0" / "c" / "0" / "0").write_bytes(b"damaged")
    done = CliRunner().invoke(app, ["add-labels", str(image), str(result)])
    assert done.exit_code != 0
    assert "mask.ome.zarr cannot be added to" in done.stderr
    assert [each.name for each in (image / "labels").iterdir()] == ["zarr.json"]
