"""An evaluation shows a network the channels that a prediction shows it."""

import re
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from predicting import varied_model

import unetzoo
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.open import dataset_of
from unetzoo.evaluation.page import write_page
from unetzoo.nn.segmenter import Segmenter

_TRAINED = ("red", "green", "nir")


def _write(folder, names, mask=None, planes=None):
    """A folder with an image whose bands depend on their names alone."""
    planes = (
        [planes[name] for name in names]
        if planes
        else [np.random.default_rng(len(name)).integers(0, 255, (40, 48), np.uint8) for name in names]
    )
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


def _pictures(model, folder, path):
    """The pictures of the page of an evaluation."""
    result = unetzoo.evaluate(model, folder, resamples=10)
    write_page(path, result, model, dataset_of(folder, "all", MaskOptions(), trained=model.config.info), title="")
    return re.findall(r"data:image/png;base64,([^\"]+)", path.read_text())


def test_the_page_shows_the_channels_and_the_prediction_of_the_training(model, tmp_path):
    trained, other = _write(tmp_path / "trained", _TRAINED), _write(tmp_path / "other", ("green", "red", "nir"))
    expected = _pictures(model, trained, tmp_path / "a.html")
    assert len(expected) == 1
    assert _pictures(model, other, tmp_path / "b.html") == expected
    nameless = replace(model.config, info=unetzoo.ModelInfo())
    blind = varied_model(in_channels=3, classes=2)
    blind.load_state_dict(model.state_dict())
    blind.config = nameless
    assert _pictures(blind, other, tmp_path / "c.html") != expected


class _Bright(Segmenter):
    """A network of objects that sees the second channel alone."""

    def forward(self, images):
        return torch.logit(torch.full_like(images[:, 1:2], 0.62)) + (images[:, 1:2] * 255 - 105) / 40


def _write_cells(folder, names):
    """Bright cells in the channel `cells`, and noise in the other one."""
    ids = np.kron([[0, 0, 0, 0, 0], [0, 1, 0, 2, 0], [0, 0, 0, 0, 0]], np.ones((10, 10))).astype(np.uint8)
    planes = {
        "cells": np.where(ids > 0, 160, 60).astype(np.uint8),
        "noise": np.random.default_rng(0).integers(0, 255, ids.shape, np.uint8),
    }
    _write(folder, names, ids, planes)
    return folder


def test_tuning_shows_a_network_its_channels_by_their_names(tmp_path):
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 2}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options).eval()
    model.__class__ = _Bright
    trained = model.config
    tunings = []
    for names in (("noise", "cells"), ("cells", "noise")):
        for known in (("noise", "cells"), ()):
            model.config = replace(trained, info=replace(trained.info, channel_names=known))
            folder = _write_cells(tmp_path / "-".join((*names, *known)), names)
            tunings.append(unetzoo.tune(model, folder, split="all", masks="instances").after)
    ordered, ordered_blind, turned, turned_blind = tunings
    assert ordered == ordered_blind == turned > 0.9 > turned_blind


def test_a_missing_channel_is_an_error_that_names_the_image(model, tmp_path):
    folder = _write(tmp_path / "data", ("red", "green", "blue"))
    with pytest.raises(unetzoo.ShapeError, match=r"a\.tif: the bands are red, green, blue.* nir is missing"):
        unetzoo.evaluate(model, folder, resamples=10)


def test_channels_of_other_names_are_said(model, tmp_path):
    folder = _write(tmp_path / "data", ("a", "bb", "ccc"))
    with pytest.warns(unetzoo.DataWarning, match=r"a\.tif: the bands are a, bb, ccc.* in the order of the file"):
        unetzoo.evaluate(model, folder, resamples=10)
