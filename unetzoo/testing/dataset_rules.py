"""The contract of data sets, rule by rule."""

from collections.abc import Iterator

import numpy as np

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.testing.rules import Make, Rule, demand

_SPLITS = ("train", "val", "test")
_VOID = 255
_MAX_SAMPLES = 5  # of each split


def _samples(make: Make) -> Iterator[tuple[Dataset, Sample]]:
    for split in _SPLITS:
        dataset = make(split=split)
        for index in range(min(len(dataset), _MAX_SAMPLES)):
            yield dataset, dataset[index]


def has_three_splits(make: Make) -> None:
    """It is an unetzoo.Dataset with at least one sample in each of train, val and test."""
    for split in _SPLITS:
        dataset = make(split=split)
        demand(isinstance(dataset, Dataset), f"the builder returned {type(dataset).__name__}")
        demand(len(dataset) >= 1, f"{split} is empty")


def shapes_fit(make: Make) -> None:
    """A sample has an image (h, w, c), a mask (h, w) of the same size, or planes (classes, h, w), and a name."""
    for dataset, sample in _samples(make):
        image, mask = np.asarray(sample.image), np.asarray(sample.mask)
        planes = (len(dataset.class_names),) if dataset.labels == "overlapping" else ()
        fits = image.ndim == 3 and mask.shape == (*planes, *image.shape[:2])
        demand(fits, f"image {image.shape}, mask {mask.shape}")
        demand(isinstance(sample.name, str) and bool(sample.name), f"its name is {sample.name!r}")


def ids_are_classes(make: Make) -> None:
    """Masks hold whole numbers from 0 to classes - 1, planes 0 and 1, or 255 for unknown pixels."""
    for dataset, sample in _samples(make):
        mask = np.asarray(sample.mask)
        classes = 2 if dataset.labels == "overlapping" else len(dataset.class_names)
        demand(mask.dtype.kind in "iu", f"the dtype is {mask.dtype}")
        invalid = np.setdiff1d(mask, [*range(classes), _VOID])
        demand(invalid.size == 0, f"{sample.name} holds {invalid[:3].tolist()}, not 0 to {classes - 1}")


def is_the_same_each_time(make: Make) -> None:
    """The same index gives the same sample."""
    for split in _SPLITS:
        one, other = make(split=split)[0], make(split=split)[0]
        same = np.array_equal(one.image, other.image) and np.array_equal(one.mask, other.mask)
        demand(same, f"the first sample of {split} differs")


def ends(make: Make) -> None:
    """An index after the last sample is an IndexError."""
    dataset = make(split="train")
    try:
        dataset[len(dataset)]
    except IndexError:
        return
    demand(False, f"index {len(dataset)} of {len(dataset)} samples gave a sample")


RULES: tuple[Rule, ...] = (has_three_splits, shapes_fit, ids_are_classes, is_the_same_each_time, ends)
