"""Networks of objects, and images whose pixels have another size than those of the training."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile

import unetzoo
from unetzoo import ModelInfo, ObjectFiles, PredictOptions
from unetzoo.nn.segmenter import Segmenter

_CELL = 12  # side of a square cell in pixels of the training, of 0.5 um


class _Bright(Segmenter):
    """A network whose foreground is what is brighter than half."""

    def forward(self, images):
        return 20 * (images - 0.5)


@pytest.fixture(scope="module")
def model():
    """A network of objects of at least 100 pixels, where a cell has 144 of the training's."""
    network = unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (2, 2)}, in_channels=1, objects="components"
    ).eval()
    network.__class__ = _Bright
    info = ModelInfo(pixel_size=(0.5, 0.5), pixel_size_range=(0.5, 0.5), unit="um", class_names=("background", "cell"))
    network.config = replace(network.config, info=info, objects_options={"min_size": 100})
    return network


def _write(folder, step):
    """A folder with an image of 12 bright cells, whose pixels have that side in um, and the cells' numbers."""
    side = round(_CELL * 0.5 / step)
    cells = np.zeros((7, 9), np.uint8)
    cells[1::2, 1::2] = np.arange(1, 13).reshape(3, 4)
    ids = cells.repeat(side, 0).repeat(side, 1)
    pixels = np.where(ids > 0, 255, 0).astype(np.uint8)
    for name, values in (("images", pixels), ("masks", ids)):
        (folder / name).mkdir(parents=True)
        resolution = (10_000 / step, 10_000 / step)
        tifffile.imwrite(folder / name / "a.tif", values, resolution=resolution, resolutionunit="CENTIMETER")
    return folder, ids


@pytest.mark.parametrize("step", [0.25, 1.0])
def test_objects_are_decoded_in_pixels_of_the_training_and_brought_back(step, model, tmp_path):
    folder, ids = _write(tmp_path / "data", step)
    (result,) = unetzoo.predict_files(
        model,
        folder / "images" / "a.tif",
        tmp_path / "labels.tif",
        options=PredictOptions(tile=128, overlap=32),
        object_files=ObjectFiles(table=tmp_path / "cells.csv"),
    )
    assert "the result brought back" in " ".join(result.warnings)
    labels = tifffile.imread(tmp_path / "labels.tif")
    np.testing.assert_array_equal(labels, ids)
    rows = list(csv.DictReader((tmp_path / "cells.csv").read_text(encoding="utf-8").splitlines()))
    assert {float(row["area_um2"]) for row in rows} == {36.0}


def test_objects_are_predicted_as_they_are_if_images_are_never_resampled(model, tmp_path):
    folder, _ = _write(tmp_path / "data", 1.0)
    options = PredictOptions(tile=128, overlap=32, resample="never")
    unetzoo.predict_files(model, folder / "images" / "a.tif", tmp_path / "labels.tif", options=options)
    assert tifffile.imread(tmp_path / "labels.tif").max() == 0  # of 36 pixels each


@pytest.mark.parametrize(("resample", "precision"), [("auto", 1.0), ("never", 0.0)])
@pytest.mark.filterwarnings("ignore::unetzoo.DataWarning")
def test_evaluation_finds_the_objects_at_the_size_of_the_training(resample, precision, model, tmp_path):
    folder, _ = _write(tmp_path / "data", 1.0)
    result = unetzoo.evaluate(model, folder, resample=resample, resamples=10)
    assert result.objects.scores["AP"].value == precision


def test_maps_have_the_pixels_of_the_image(model, tmp_path):
    folder, ids = _write(tmp_path / "data", 1.0)
    options = PredictOptions(tile=128, overlap=32, probabilities=True)
    unetzoo.predict_files(model, folder / "images" / "a.tif", tmp_path / "maps.npy", options=options)
    foreground = np.load(tmp_path / "maps.npy")
    np.testing.assert_array_equal(foreground.reshape(ids.shape) > 0.5, ids > 0)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == [".unetzoo"]
