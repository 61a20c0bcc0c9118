"""A network of objects is evaluated by its own objects."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cells import Cells

import unetzoo
from unetzoo import OptionError
from unetzoo.evaluation.objects import average_precision, panoptic_quality, read_tally, tally
from unetzoo.evaluation.page import write_page


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options).eval()
    maps = unetzoo.predict(model, Cells(3, 0)[0].image)
    options = {"threshold": float(np.quantile(maps, 0.7)), "min_size": 4}
    model.config = replace(model.config, objects_options=options)
    return model


def test_the_scores_are_those_of_the_predicted_objects(model):
    data = Cells(3, 0)
    result = unetzoo.evaluate(model, {"test": data}, resamples=50)
    tallies = [tally(unetzoo.predict_objects(model, data[index].image), data.instances(index)) for index in range(3)]
    total = read_tally(np.sum(tallies, axis=0))
    assert result.instances["AP"].value == pytest.approx(float(average_precision(np.sum(tallies, axis=0))))
    assert result.instances["PQ"].value == pytest.approx(float(panoptic_quality(np.sum(tallies, axis=0))))
    assert result.objects["found"] + result.objects["missed"] == total.truth
    assert result.objects["found"] + result.objects["invented"] == total.predicted
    errors = [abs(float(read_tally(one).predicted - read_tally(one).truth)) for one in tallies]
    assert result.instances["count error"].value == pytest.approx(np.mean(errors))
    assert result.instances_of == "cell"
    estimate = result.instances["F1"]
    assert estimate.low is None or estimate.low <= estimate.value <= estimate.high
    assert result.to_dict()["objects"] == result.objects


def test_the_background_is_not_an_object(model):
    with pytest.raises(OptionError, match="no class 'background'; there are cell"):
        unetzoo.evaluate(model, {"test": Cells(1, 0)}, instances="background")


def test_the_page_shows_the_objects(model, tmp_path):
    data = Cells(2, 0)
    result = unetzoo.evaluate(model, {"test": data}, resamples=20)
    write_page(tmp_path / "page.html", result, model, data, title="cells")
    page = (tmp_path / "page.html").read_text()
    for name in ("Objects: cell", "PQ", "AJI", "split", "merged"):
        assert name in page
