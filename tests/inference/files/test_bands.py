"""Bands have names: a network takes those of its training, wherever they lie in a file."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from predicting import varied_model

import unetzoo
from unetzoo import PredictOptions

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning"),  # rasterio's own
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]

_TRAINED = ("B2", "B3", "B4", "B8")


def _write(path, names, described=True):
    """Bands whose values depend on their names alone."""
    planes = [np.random.default_rng(int(name[1])).integers(0, 255, (40, 56), np.uint8) for name in names]
    shape = {"count": len(names), "height": 40, "width": 56, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **shape) as file:
        file.write(np.stack(planes))
        for number, name in enumerate(names, start=1):
            if described:
                file.set_band_description(number, name.lower())
    return path


@pytest.fixture(scope="module")
def model():
    model = varied_model(in_channels=4)
    model.config = replace(model.config, info=unetzoo.ModelInfo(channel_names=_TRAINED))
    return model


def _predict(model, image):
    target = image.with_suffix(".npy")
    (result,) = unetzoo.predict_files(model, image, target, options=PredictOptions(probabilities=True))
    return result, np.load(target) if result.state == "predicted" else None


@pytest.mark.parametrize("names", [("B8", "B4", "B3", "B2"), ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8")])
def test_bands_are_taken_by_their_names(names, model, tmp_path):
    _, expected = _predict(model, _write(tmp_path / "trained.tif", _TRAINED))
    result, probabilities = _predict(model, _write(tmp_path / "other.tif", names))
    assert result.warnings == ()
    np.testing.assert_array_equal(probabilities, expected)


def test_large_files_are_read_by_windows_in_that_order(model, tmp_path, monkeypatch):
    _, expected = _predict(model, _write(tmp_path / "trained.tif", _TRAINED))
    monkeypatch.setattr("unetzoo.data.formats.read.WHOLE_BYTES", 0)
    _, probabilities = _predict(model, _write(tmp_path / "other.tif", _TRAINED[::-1]))
    np.testing.assert_array_equal(probabilities, expected)


def test_a_missing_band_is_an_error_that_names_it(model, tmp_path):
    result, _ = _predict(model, _write(tmp_path / "other.tif", ("B2", "B3", "B4", "B5")))
    assert result.state == "failed"
    assert "other.tif: the bands are b2, b3, b4, b5, and the network was trained on B2, B3, B4, B8" in result.reason
    assert "B8 is missing" in result.reason


def test_bands_of_other_names_are_taken_in_their_order_which_is_said(model, tmp_path):
    _, expected = _predict(model, _write(tmp_path / "bare.tif", ("B5", "B6", "B7", "B9"), described=False))
    result, probabilities = _predict(model, _write(tmp_path / "other.tif", ("B5", "B6", "B7", "B9")))
    assert "none has the name of another" in result.warnings[0]
    np.testing.assert_array_equal(probabilities, expected)


def test_a_name_that_is_there_twice_tells_no_order_which_is_said(model, tmp_path):
    result, _ = _predict(model, _write(tmp_path / "other.tif", ("B8", "B8", "B3", "B2")))
    assert "a name is there twice" in result.warnings[0]


def test_bands_without_names_are_taken_in_their_order(model, tmp_path):
    result, _ = _predict(model, _write(tmp_path / "bare.tif", _TRAINED, described=False))
    assert (result.state, result.warnings) == ("predicted", ())
