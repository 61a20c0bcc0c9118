"""Data sets of Python as a source, and a source with a known coding as a data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.content import check_finite
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.masks.decode import class_ids, read_mask
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.raw import encode
from unetzoo.data.masks.rows import in_rows, out_of_rows, shape_in_rows
from unetzoo.data.sources.source import SPLITS, Entry, Source
from unetzoo.errors import DataError
from unetzoo.nn.coding import IGNORED, UNKNOWN, Labels, MaskCoding


class SampleSource(Source):
    """The splits of a data set.

    Args:
        splits: a data set by the name of each split; a single one with the name "" is split later.
        numbered: masks hold the numbers of objects, where samples number them, and `IGNORED` where the class is not
            known.

    Raises:
        DataError: there are none, a name is not that of a split, one is not a `unetzoo.Dataset`, or classes differ.
    """

    def __init__(self, splits: Mapping[str, Dataset], *, numbered: bool = False) -> None:
        _check(splits)
        self._splits = splits
        self._is_numbered = numbered
        self._samples = [(dataset, index) for dataset in splits.values() for index in range(len(dataset))]
        entries = [
            Entry(f"{split or 'sample'} {index}", split)
            for split, dataset in splits.items()
            for index in range(len(dataset))
        ]
        if not entries:
            raise DataError(f"there are no samples in {', '.join(splits)}")
        first = next(iter(splits.values()))
        self._labels = first.labels
        if first.labels == "overlapping":
            super().__init__(entries, declared=MaskOptions(first.class_names, "overlapping"))
        else:
            super().__init__(entries, class_names=first.class_names)

    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of a sample, or its volume (d, h, w, c)."""
        return self.pair(index)[0]

    def raw_mask(self, index: int) -> NDArray[Any]:
        """The mask (h, w) of a sample, or its planes (h, w, classes); that of a volume has its slices as rows."""
        return self.pair(index)[1]

    def pair(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both, from a single call."""
        dataset, number = self._samples[index]
        name = self.entries[index].name
        sample = dataset[number]
        _check_arrays(sample, name, self._labels)
        check_finite(sample.image, name)
        mask = np.moveaxis(sample.mask, 0, -1) if self._labels == "overlapping" else sample.mask
        if self._is_numbered and self._labels == "exclusive":
            mask = self._numbers(index, mask)
        return sample.image, in_rows(mask) if sample.image.ndim == 4 else mask

    def _numbers(self, index: int, mask: NDArray[Any]) -> NDArray[Any]:
        """The numbers of a sample's objects; its mask if it does not number them."""
        numbers = self.instances(index)
        return mask if numbers is None else np.where(mask == UNKNOWN, IGNORED, numbers.astype(np.int64))

    def numbered(self) -> Source:
        """The same samples with masks that number the objects."""
        return SampleSource(self._splits, numbered=True)

    @property
    def knows_objects(self) -> bool:
        """True, whether samples number their objects or not: their masks have classes."""
        return True

    def shape(self, index: int) -> tuple[int, ...]:
        """(d, h, w) of a volume; (): an image."""
        dataset, number = self._samples[index]
        *space, _ = dataset[number].image.shape
        return tuple(space) if len(space) == 3 else ()

    def instances(self, index: int) -> NDArray[Any] | None:
        """The numbers (h, w), or (d, h, w), of a sample's objects; None if the data set does not number them.

        Raises:
            DataError: they are not whole numbers, one a pixel.
        """
        dataset, number = self._samples[index]
        numbers = dataset.instances(number)
        if numbers is not None and (numbers.ndim not in (2, 3) or numbers.dtype.kind not in "iu"):
            raise DataError(
                f"{self.entries[index].name}: the numbers of objects must be whole numbers (h, w) or (d, h, w), got "
                f"{numbers.dtype} {numbers.shape}"
            )
        return numbers


class CodedDataset(Dataset):
    """The samples of one split of a source.

    Args:
        source: to read from.
        indices: of its entries.
        coding: what its masks mean.
    """

    def __init__(self, source: Source, indices: Sequence[int], coding: MaskCoding) -> None:
        super().__init__(coding.class_names, labels=coding.labels)
        self.source = source
        self.indices = tuple(indices)
        self.coding = coding

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        """The sample of that number.

        Raises:
            DataError: its files cannot be read, have different sizes, or the mask holds a value of no class.
        """
        number = self.indices[index]
        name = self.source.entries[number].name
        image, raw = self.source.pair(number)
        if raw.shape[:2] != shape_in_rows(image.shape[:-1]):
            raise DataError(f"{name}: the image has {image.shape[:-1]} pixels, its mask {raw.shape[:2]}")
        try:
            return Sample(image, out_of_rows(read_mask(raw, self.coding), image.shape[:-1]), name)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error

    def instances(self, index: int) -> NDArray[Any] | None:
        """The numbers of the objects, if masks or the source number them."""
        if self.labels == "overlapping":
            return None
        if not self.coding.instances:
            return self.source.instances(self.indices[index])
        number = self.indices[index]
        codes = encode(self.source.raw_mask(number))[1]
        numbers = np.where(class_ids(codes, self.coding) == UNKNOWN, 0, codes)
        shape = self.source.shape(number)
        return out_of_rows(numbers, shape) if shape else numbers


def grid_of(dataset: Dataset, index: int) -> Grid:
    """The grid of a sample's image; none if it is not that of a file.

    Raises:
        DataError: the file cannot be read.
    """
    return dataset.source.image_grid(dataset.indices[index]) if isinstance(dataset, CodedDataset) else NO_GRID


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
        if other.labels != one.labels:
            raise DataError(f"the classes of {first} are {one.labels}, those of {name} {other.labels}")
        if other.class_names != one.class_names:
            raise DataError(
                f"{first} has the classes {', '.join(one.class_names)}, but {name} has {', '.join(other.class_names)}"
            )


def _check_arrays(sample: Sample, name: str, labels: Labels) -> None:
    """Raise DataError unless a sample is an image (h, w, c) and a mask (h, w), or planes, arrays of numbers.

    A volume is (d, h, w, c), its mask (d, h, w).
    """
    space = "d, h, w" if getattr(getattr(sample, "image", None), "ndim", 0) == 4 else "h, w"
    planes = "" if labels == "exclusive" else "classes, "
    for kind, axes in (("image", f"({space}, c)"), ("mask", f"({planes}{space})")):
        array = getattr(sample, kind, None)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
            raise DataError(f"{name}: the {kind} must be a NumPy array of numbers, got {type(array).__name__}")
        if array.ndim != axes.count(",") + 1 or 0 in array.shape:
            raise DataError(f"{name}: the {kind} must be {axes}, got {array.shape}")
