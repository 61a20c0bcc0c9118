"""A network of objects is evaluated by its own objects."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from cells import Cells

import unetzoo
from unetzoo import OptionError
from unetzoo.evaluation.masks import decoded, predicted
from unetzoo.evaluation.objects import average_precision, panoptic_quality, read_tally, tally
from unetzoo.evaluation.page import write_page
from unetzoo.inference.objects import Decoder


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
    scores, counts = result.objects.scores, result.objects.counts
    assert scores["AP"].value == pytest.approx(float(average_precision(np.sum(tallies, axis=0))))
    assert scores["PQ"].value == pytest.approx(float(panoptic_quality(np.sum(tallies, axis=0))))
    assert scores["PQ"].value == pytest.approx(scores["SQ"].value * scores["RQ"].value)
    assert counts["found"] + counts["missed"] == total.truth
    assert counts["found"] + counts["false"] == total.predicted
    errors = [abs(float(read_tally(one).predicted - read_tally(one).truth)) for one in tallies]
    assert scores["count error per image"].value == pytest.approx(np.mean(errors))
    assert scores["missed per image"].value == pytest.approx(counts["missed"] / 3)
    assert result.object_classes == {"cell": result.objects}
    assert [sum(case.objects[name] for case in result.cases) for name in counts] == list(counts.values())
    assert result.to_dict()["objects"]["counts"] == counts


def test_scores_that_enough_images_define_have_an_interval(model):
    scores = unetzoo.evaluate(model, {"test": Cells(8, 0)}, resamples=50).objects.scores
    for name, estimate in scores.items():
        enough = estimate.low is not None and estimate.low <= estimate.value <= estimate.high
        assert enough == (estimate.images >= 4), name
    assert scores["count error per image"].low < scores["count error per image"].high
    few = unetzoo.evaluate(model, {"test": Cells(3, 0)}, resamples=50).objects.scores
    assert {estimate.low for estimate in few.values()} == {None}


class Kinds(Cells):
    """Cells of two classes, by the left or the right half of the image in which their center lies."""

    def __init__(self, count, seed):
        super().__init__(count, seed)
        self.class_names = ("background", "round", "flat")

    def __getitem__(self, index):
        sample, ids = super().__getitem__(index), self.instances(index)
        for number in np.unique(ids[ids > 0]):
            sample.mask[ids == number] = 1 + (np.nonzero(ids == number)[1].mean() > 32)
        return sample


@pytest.fixture(scope="module")
def kinds_model():
    """A network that finds some of the objects, and takes some for those of the other class."""
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1, "object_classes": 2}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options)
    training = unetzoo.FitOptions(steps=25, epochs=1, batch=4, learning_rate=1e-2)
    with TemporaryDirectory() as folder:
        return unetzoo.fit(model, {"train": Kinds(4, 0)}, Path(folder, "run"), options=training).model.eval()


def test_each_class_has_the_scores_of_its_objects_alone(kinds_model):
    data = Kinds(4, 1)
    result = unetzoo.evaluate(kinds_model, {"test": data}, resamples=50)
    assert list(result.object_classes) == ["round", "flat"]
    tallies = {"round": [], "flat": []}
    for index in range(4):
        image, mask, _ = data[index]
        prediction, truth = predicted(kinds_model, image), data.instances(index)
        for number, name in enumerate(tallies, 1):
            alone = prediction.objects * (prediction.ids == number), truth * (mask == number)
            tallies[name].append(tally(*alone))
    for name, each in tallies.items():
        scores, sums = result.object_classes[name].scores, np.sum(each, axis=0)
        assert scores["AP"].value == pytest.approx(float(average_precision(sums)))
        assert scores["PQ"].value == pytest.approx(float(panoptic_quality(sums)), nan_ok=True)
        errors = [abs(float(read_tally(one).predicted - read_tally(one).truth)) for one in each]
        assert scores["count error per image"].value == pytest.approx(np.mean(errors))
        assert scores["AP"].low <= scores["AP"].value <= scores["AP"].high
    together = np.sum([*tallies["round"], *tallies["flat"]], axis=0)
    assert result.objects.scores["AP"].value == pytest.approx(float(average_precision(together)))
    for name, count in result.objects.counts.items():
        assert count == sum(each.counts[name] for each in result.object_classes.values())
    assert result.objects.counts["found"] > 0
    flat = unetzoo.evaluate(kinds_model, {"test": data}, resamples=50, instances="flat")
    assert flat.object_classes == {"flat": result.object_classes["flat"]}


def test_the_background_is_not_an_object(model):
    with pytest.raises(OptionError, match="no class 'background'; there are cell"):
        unetzoo.evaluate(model, {"test": Cells(1, 0)}, instances="background")


def test_the_page_shows_the_objects(model, tmp_path):
    data = Cells(2, 0)
    result = unetzoo.evaluate(model, {"test": data}, resamples=20)
    write_page(tmp_path / "page.html", result, model, data, title="cells")
    page = (tmp_path / "page.html").read_text()
    for name in ("<th>cell</th>", "PQ", "RQ", "AJI", "split per image", "merged, all images", "count error per image"):
        assert name in page


def test_objects_of_any_length_are_decoded_in_images_of_many_pixels():
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    config = unetzoo.create("unet", encoder="plain", objects="components", **options).config
    maps = np.zeros((1, 4100, 4100), np.float32)
    maps[0, 1000:3000, 2000:2003] = 1
    with pytest.raises(OptionError, match="pixels long or longer, more than largest_object=256"):
        Decoder(config).decode(maps)
    objects = decoded(config, maps).objects
    assert (objects.max(), (objects > 0).sum()) == (1, 6000)
