"""Tables of objects in volumes, beside scikit-image's measures of the label volumes that were written."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.measure import regionprops_table
from stacks import NORMALIZATION, STEPS, network_of_volumes, volume, write_stack
from typer.testing import CliRunner

import unetzoo
from unetzoo import ObjectFiles, OptionError
from unetzoo.cli import app
from unetzoo.data.formats.slices import open_voxels
from unetzoo.inference.files.object_tables import Labels, measure_image

VALUES = volume(shape=(8, 40, 36))[0]


@pytest.fixture(scope="module")
def model():
    """A network that finds some pieces in any volume."""
    network = network_of_volumes("components").eval()
    network.config = replace(network.config, info=unetzoo.ModelInfo(**NORMALIZATION))
    threshold = float(np.median(unetzoo.predict(network, VALUES)))
    network.config = replace(network.config, objects_options={"threshold": threshold, "min_size": 2})
    return network


@pytest.fixture
def images(tmp_path):
    for number, name in enumerate(("a", "b")):
        write_stack(tmp_path / "in" / f"{name}.tif", volume(number, VALUES.shape)[0])
    return tmp_path / "in"


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _column(rows, name):
    return np.array([float(row[name]) for row in rows])


def test_rows_are_those_of_all_volumes_in_voxels_and_in_the_unit_of_the_files(model, images, tmp_path):
    files = ObjectFiles(table=tmp_path / "cells.csv", summary=tmp_path / "summary.csv")
    unetzoo.predict_files(model, images, tmp_path / "out", object_files=files)
    rows, totals = _rows(tmp_path / "cells.csv"), _rows(tmp_path / "summary.csv")
    for name, total in zip(("a.tif", "b.tif"), totals, strict=True):
        own = [row for row in rows if row["image"] == name]
        ids, values = tifffile.imread(tmp_path / "out" / name), tifffile.imread(images / name)
        properties = ("label", "num_pixels", "area", "centroid", "bbox", "intensity_mean")
        expected = regionprops_table(ids, values, properties=properties, spacing=STEPS)
        assert len(own) > 1
        assert {row["class"] for row in own} == {"object"}
        pairs = {"id": "label", "volume_px": "num_pixels", "volume_um3": "area", "back_px": "bbox-3"}
        for title, other in (pairs | {"left_px": "bbox-2", "mean_c1": "intensity_mean"}).items():
            np.testing.assert_allclose(_column(own, title), expected[other], rtol=1e-6, err_msg=title)
        for number, axis in enumerate("zyx"):
            places = expected[f"centroid-{number}"] + STEPS[number] / 2
            np.testing.assert_allclose(_column(own, f"centroid_{axis}_um"), places, rtol=1e-6)
        assert (int(total["count"]), int(total["image_volume_px"])) == (len(own), VALUES.size)
        assert float(total["mean_volume_um3"]) == pytest.approx(expected["area"].mean())
        of_voxel = np.prod(STEPS)
        assert float(total["density_per_um3"]) == pytest.approx(len(own) / (VALUES.size * of_voxel))
        assert float(total["density_per_megavoxel"]) == pytest.approx(len(own) / VALUES.size * 1e6)
    assert not any(name.startswith("world") for name in rows[0])  # ImageJ's stacks have no coordinates


def test_the_command_takes_the_sides_of_voxels(model, images, tmp_path):
    unetzoo.save(model, tmp_path / "model")
    command = ["predict", str(tmp_path / "model"), str(images), str(tmp_path / "out")]
    command += ["--table", str(tmp_path / "cells.csv"), "--pixel-size", "3,2,1nm"]
    command += ["--overlay", str(tmp_path / "pictures")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    rows = _rows(tmp_path / "cells.csv")
    np.testing.assert_allclose(_column(rows, "volume_nm3"), 6 * _column(rows, "volume_px"))
    np.testing.assert_allclose(_column(rows, "front_nm"), 3 * _column(rows, "front_px"))
    for name in ("a", "b"):
        with Image.open(tmp_path / "pictures" / f"{name}.png") as picture:
            gray = np.ptp(np.asarray(picture).astype(int), axis=2) < 20
        assert 0 < (~gray).mean() < 0.9  # lines in color


def test_a_volume_without_steps_leaves_the_tables_in_voxels(model, images, tmp_path):
    np.save(images / "c.npy", VALUES)
    with pytest.warns(unetzoo.DataWarning, match=r"in voxels alone: .*c\.npy states no size of its voxels; pixel_size"):
        unetzoo.predict_files(model, images, tmp_path / "out", object_files=ObjectFiles(table=tmp_path / "cells.csv"))
    (first, *_) = _rows(tmp_path / "cells.csv")
    assert "surface_px" in first
    assert not any(name.endswith(("um", "um3")) for name in first)


def test_outlines_of_volumes_are_refused_before_the_work(model, images, tmp_path):
    with pytest.raises(OptionError, match="outlines must be left out: outlines and ROIs are those of images"):
        unetzoo.predict_files(model, images, tmp_path / "out", object_files=ObjectFiles(outlines=tmp_path / "outlines"))
    assert not (tmp_path / "out").exists()


class Slices:
    """An array that can only be sliced, and remembers how many slices were read at most."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, window):
        part = self.array[window]
        self.most = max(self.most, len(part))
        return part


def test_few_slices_are_read_at_once():
    ids = np.zeros((60, 10, 12), np.uint16)
    for number in range(1, 13):
        ids[5 * number - 5 : 5 * number, 2:8, number % 4 : 6 + number % 4] = number
    labels, pixels = Slices(ids[..., None]), Slices(np.ones((*ids.shape, 2), np.float32))
    columns, count = measure_image(Labels(labels), pixels, rows=4)
    assert columns["volume_px"].tolist() == [180] * 12
    assert count == ids.size
    assert max(labels.most, pixels.most) <= 12


def test_a_large_array_is_a_window_of_its_file(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    with open_voxels(tmp_path / "a.npy") as voxels:
        assert not isinstance(voxels, np.ndarray)
        np.testing.assert_array_equal(voxels[2:4, :, 5:7][..., 0], VALUES[2:4, :, 5:7])
