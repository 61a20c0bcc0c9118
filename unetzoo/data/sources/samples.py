"""A source of samples from Python: the splits of data sets, those of plugins or a user's own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.content import check_finite
from unetzoo.data.sources.source import SPLITS, Entry, Source
from unetzoo.errors import DataError


class SampleSource(Source):
    """The splits of a data set.

    Args:
        splits: a data set by the name of each split; a single one with the name "" is split later.

    Raises:
        DataError: there are none, a name is not that of a split, one is not a `unetzoo.Dataset`, or classes differ.
    """

    def __init__(self, splits: Mapping[str, Dataset]) -> None:
        _check(splits)
        self._samples = [(dataset, index) for dataset in splits.values() for index in range(len(dataset))]
        entries = [
            Entry(f"{split or 'sample'} {index}", split)
            for split, dataset in splits.items()
            for index in range(len(dataset))
        ]
        if not entries:
            raise DataError(f"there are no samples in {', '.join(splits)}")
        super().__init__(entries, class_names=next(iter(splits.values())).class_names)

    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of a sample."""
        return self.pair(index)[0]

    def raw_mask(self, index: int) -> NDArray[Any]:
        """The class ids (h, w) of a sample."""
        return self.pair(index)[1]

    def pair(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both, from a single call."""
        dataset, number = self._samples[index]
        name = self.entries[index].name
        sample = dataset[number]
        _check_arrays(sample, name)
        check_finite(sample.image, name)
        return sample.image, sample.mask


def _check(splits: Mapping[str, Dataset]) -> None:
    names = ", ".join(SPLITS)
    if not splits:
        raise DataError(f"there is no split; give some of {names}, each a data set")
    for name, dataset in splits.items():
        if name not in SPLITS and [*splits] != [""]:
            raise DataError(f"there is no split {name!r}; the splits are {names}")
        if not isinstance(dataset, Dataset):
            raise DataError(f"{name or 'the data'} must be a unetzoo.Dataset, got {type(dataset).__name__}")
    (first, one), *others = splits.items()
    for name, other in others:
        if other.class_names != one.class_names:
            raise DataError(
                f"{first} has the classes {', '.join(one.class_names)}, but {name} has {', '.join(other.class_names)}"
            )


def _check_arrays(sample: Sample, name: str) -> None:
    """Raise DataError unless a sample is an image (h, w, c) and a mask (h, w), arrays of numbers."""
    for kind, axes in (("image", "(h, w, c)"), ("mask", "(h, w)")):
        array = getattr(sample, kind, None)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
            raise DataError(f"{name}: the {kind} must be a NumPy array of numbers, got {type(array).__name__}")
        if array.ndim != axes.count(",") + 1 or 0 in array.shape:
            raise DataError(f"{name}: the {kind} must be {axes}, got {array.shape}")
