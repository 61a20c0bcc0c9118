"""An evaluation shows a network the channels that a prediction shows it."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from predicting import varied_model

import unetzoo

_TRAINED = ("red", "green", "nir")


def _write(folder, names, mask=None):
    """A folder with an image whose bands depend on their names alone."""
    planes = [np.random.default_rng(len(name)).integers(0, 255, (40, 48), np.uint8) for name in names]
    items = "".join(
        f'<Item name="DESCRIPTION" sample="{number}" role="description">{name}</Item>'
        for number, name in enumerate(names)
    )
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tags = [(42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True)]
    image = folder / "images" / "a.tif"
    tifffile.imwrite(image, np.stack(planes, -1), photometric="minisblack", planarconfig="contig", extratags=tags)
    tifffile.imwrite(folder / "masks" / "a.tif", np.eye(40, 48, dtype=np.uint8) if mask is None else mask)
    return folder


@pytest.fixture(scope="module")
def model():
    model = varied_model(in_channels=3, classes=2)
    model.config = replace(model.config, info=unetzoo.ModelInfo(channel_names=_TRAINED))
    return model


@pytest.mark.parametrize("names", [("nir", "red", "green"), ("blue-green", "Green", "red", "nir")])
def test_channels_are_taken_by_their_names(names, model, tmp_path):
    trained = _write(tmp_path / "trained", _TRAINED)
    (result,) = unetzoo.predict_files(model, trained / "images" / "a.tif", tmp_path / "mask.tif")
    assert result.state == "predicted"
    mask = tifffile.imread(tmp_path / "mask.tif")
    mask = (mask > 0).astype(np.uint8)
    assert 0 < mask.mean() < 1
    other = _write(tmp_path / "other", names, mask)
    assert unetzoo.evaluate(model, other, resamples=10).mean["IoU"].value == 1


def test_a_missing_channel_is_an_error_that_names_the_image(model, tmp_path):
    folder = _write(tmp_path / "data", ("red", "green", "blue"))
    with pytest.raises(unetzoo.ShapeError, match=r"a\.tif: the bands are red, green, blue.* nir is missing"):
        unetzoo.evaluate(model, folder, resamples=10)


def test_channels_of_other_names_are_said(model, tmp_path):
    folder = _write(tmp_path / "data", ("a", "bb", "ccc"))
    with pytest.warns(unetzoo.DataWarning, match=r"a\.tif: the bands are a, bb, ccc.* in the order of the file"):
        unetzoo.evaluate(model, folder, resamples=10)
