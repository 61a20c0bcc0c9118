"""Masks of which a few pixels have a class and all others are unknown."""

from dataclasses import replace

import numpy as np
import pytest
from squares import Squares

import unetzoo
from unetzoo import Dataset, ModelInfo, Sample
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset

UNKNOWN = 255


class Scribbles(Squares):
    """Squares with 1 % of the pixels labelled: a short line in the square, and one beside it."""

    def __getitem__(self, index):
        image, mask, name = super().__getitem__(index)
        labels = np.full_like(mask, UNKNOWN)
        random = np.random.default_rng(index)
        for class_id in (0, 1):
            places = np.argwhere(mask == class_id)
            row, column = places[random.integers(len(places))]
            line = (slice(row, row + 1), slice(max(0, column - 5), column + 5))
            labels[line] = np.where(mask[line] == class_id, class_id, UNKNOWN)
        assert (labels != UNKNOWN).mean() <= 0.0105
        return Sample(image, labels, name)


class One(Dataset):
    def __init__(self, mask):
        overlap = mask.ndim == 3
        super().__init__(("rest", "cell"), labels="overlapping" if overlap else "exclusive")
        self.mask = mask

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return Sample(np.zeros((*self.mask.shape[-2:], 1), np.uint8), self.mask, "one")


def _crops(samples, *, augment, balance):
    augmentation = Augmentation(augment, crop=32, elastic=1.0, share=1.0)
    options = {"crop": 32, "balance": balance, "augmentation": augmentation, "seed": 0}
    crops = CropDataset(samples, ModelInfo(value_range=(0, 255)), count=100, **options)
    return [crops[number] for number in range(100)]


@pytest.fixture(params=["ids", "planes of negatives"])
def scribble(request):
    """A short line in an image of 300 x 400 pixels, the only place that is known."""
    mask = np.full((300, 400), UNKNOWN)
    mask[170, 240:260] = 0
    return mask if request.param == "ids" else np.stack([mask, np.full_like(mask, UNKNOWN)])


@pytest.mark.parametrize("augment", ["none", "full"])
@pytest.mark.parametrize("balance", [0.0, 1 / 3])
def test_each_crop_has_known_pixels(scribble, augment, balance):
    for crop in _crops(One(scribble), augment=augment, balance=balance):
        assert (crop.mask != UNKNOWN).any()


def test_crops_around_known_pixels_differ_from_one_another(scribble):
    crops = _crops(One(scribble), augment="none", balance=0.0)
    places = {tuple(np.argwhere(crop.mask.numpy() != UNKNOWN)[0]) for crop in crops}
    assert len(places) > 50


def test_a_mask_that_is_mostly_known_has_crops_without_a_known_pixel():
    mask = np.zeros((300, 400), np.int64)
    mask[:, 220:] = UNKNOWN
    assert any((crop.mask == UNKNOWN).all() for crop in _crops(One(mask), augment="none", balance=0.0))


def test_a_network_learns_from_one_percent_of_the_pixels(make_model, short, tmp_path):
    options = replace(short, steps=150, batch=4, learning_rate=3e-3, average=0.9)
    data = {"train": Scribbles(8, 0), "val": Scribbles(2, 1)}
    result = unetzoo.fit(make_model(), data, tmp_path / "run", options=options)
    whole = unetzoo.evaluate(result.model, Squares(4, 2))
    assert whole.classes[1]["IoU"].value > 0.7
