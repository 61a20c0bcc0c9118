"""The decoder of objects is tuned by average precision, and its options are stored with the network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cells import Cells

import unetzoo
from unetzoo import DataError, FitOptions, OptionError
from unetzoo.evaluation.objects import average_precision, tally
from unetzoo.evaluation.tune import tune_on
from unetzoo.nn.segmenter import Segmenter

_FOREGROUND = 0.62  # probability above which pixels belong to cells: between the thresholds 0.6 and 0.7


class _Bright(Segmenter):
    """A network whose foreground is the brightness of the image, so that the best threshold is known."""

    def forward(self, images):
        bright = (images * 255 - 105) / 40  # cells are 110 to 160, background is 60
        return torch.logit(torch.full_like(images, _FOREGROUND)) + bright


class Speckled(Cells):
    """Cells that do not touch, among bright speckles of 3 x 3 pixels that are none."""

    def __getitem__(self, index):
        sample, ids = super().__getitem__(index), self.instances(index)
        image = np.where(ids > 0, 160, 60).astype(np.uint8)
        free = np.argwhere(ids[2:-2:8, 2:-2:8] == 0) * 8 + 2
        for row, column in free:
            window = slice(row - 1, row + 2), slice(column - 1, column + 2)
            if not ids[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3].any():
                image[window] = 160
        return sample._replace(image=image[..., None])

    def instances(self, index):
        ids = super().instances(index)
        return np.where(ids % 4 == 1, ids, 0)


@pytest.fixture
def model():
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options).eval()
    model.__class__ = _Bright
    return model


def _precision(model, data, options):
    """AP of whole images, without `tune`'s own way to it."""
    model.config = replace(model.config, objects_options=options)
    numbers = [unetzoo.predict_objects(model, data[index].image) for index in range(len(data))]
    tallies = [tally(predicted, data.instances(index)) for index, predicted in enumerate(numbers)]
    return float(average_precision(np.sum(tallies, axis=0)))


def test_the_best_options_are_chosen_and_set(model):
    data = Speckled(3, 0)
    tuning = unetzoo.tune(model, {"val": data})
    assert model.config.objects_options == tuning.options
    assert tuning.images == 3
    assert tuning.changes["min_size"] == (1, 15)  # speckles have 9 pixels
    assert tuning.before == pytest.approx(_precision(model, data, {}))
    assert tuning.after == pytest.approx(_precision(model, data, tuning.options))
    assert tuning.after > tuning.before
    for name, values in unetzoo.create_objects("components").tunable.items():
        for value in values:
            assert _precision(model, data, {**tuning.options, name: value}) <= tuning.after + 1e-6


def test_options_that_nothing_improves_stay(model):
    data = Cells(2, 0)
    first = unetzoo.tune(model, {"val": data})
    again = unetzoo.tune(model, {"val": data})
    assert (again.options, again.before, again.after) == (first.options, first.after, first.after)
    assert all(before == after for before, after in again.changes.values())


def test_images_are_taken_evenly_up_to_a_number_of_pixels(model):
    images = []

    class Noted(Cells):
        def __getitem__(self, index):
            images.append(index)
            return super().__getitem__(index)

    assert tune_on(model, Noted(10, 0), pixels=3 * 64 * 64).images == 3
    assert images == [0, 8, 4]


def test_what_cannot_be_tuned_is_said(model):
    class Empty(Cells):
        def instances(self, index):
            return np.zeros_like(super().instances(index))

    with pytest.raises(DataError, match="the images to tune on have no objects"):
        unetzoo.tune(model, {"val": Empty(2, 0)})
    assert model.config.objects_options == {}
    pixels = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=2)
    with pytest.raises(OptionError, match="several classes that exclude one another"):
        unetzoo.tune(pixels, {"val": Cells(1, 0)})


def test_a_training_stores_tuned_options_that_are_the_same_after_it_is_resumed(tmp_path):
    data = {"train": Cells(4, 0), "val": Cells(2, 1)}
    options = FitOptions(steps=12, epochs=1, batch=4, learning_rate=1e-2)
    network = {"encoder": "plain", "encoder_options": {"widths": (8, 16)}, "in_channels": 1}

    def train(*, resume):
        torch.manual_seed(0)
        model = unetzoo.create("unet", objects="boundary", objects_options={"min_size": 1000}, **network)
        return unetzoo.fit(model, data, tmp_path / "run", options=options, resume=resume)

    result = train(resume=False)
    assert result.tuning.after > result.tuning.before
    assert result.model.config.objects_options == result.tuning.options
    assert unetzoo.load(tmp_path / "run").config.objects_options == result.tuning.options
    scores = unetzoo.evaluate(result.model, {"val": data["val"]}, split="val", resamples=2).objects.scores
    assert scores["AP"].value == pytest.approx(result.tuning.after)
    assert train(resume=True).tuning == result.tuning
