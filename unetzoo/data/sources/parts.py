"""Samples of which parts are read from their files as they are needed."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.raster import Window
from unetzoo.data.masks.decode import read_mask
from unetzoo.data.masks.rows import in_rows, out_of_rows
from unetzoo.data.sources.blocks import BlockSource
from unetzoo.data.sources.cases import CaseSource
from unetzoo.data.sources.samples import CodedDataset
from unetzoo.errors import DataError
from unetzoo.nn.coding import MaskCoding


class Sliced(Protocol):
    """An array (h, w) or (h, w, c), or what gives its parts: `sliced[rows, columns]`, two slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides; those of an image without the number of channels, if that is not known."""

    def __getitem__(self, window: tuple[slice, ...], /) -> Any:  # noqa: ANN401 - an array of NumPy
        """The part, an array."""


class Part:
    """Pixels of a file, of which windows are read.

    Args:
        shape: height and width, of volumes the depth first.
        read: gives the part of a window.
    """

    def __init__(self, shape: tuple[int, ...], read: Callable[[Window], NDArray[Any]]) -> None:
        self.shape: tuple[int, ...] = shape
        self._read = read

    def __getitem__(self, window: tuple[slice, ...], /) -> NDArray[Any]:
        """The pixels of a window, which is not empty."""
        return self._read(
            tuple(slice(*part.indices(length)[:2]) for part, length in zip(window, self.shape, strict=True))
        )


class PartSample(NamedTuple):
    """A sample that is read by parts; see `Sample`.

    Attributes:
        image: (h, w, c), of a volume (d, h, w, c).
        mask: (h, w), class ids, or planes (h, w, classes); of a volume with three axes of space.
        name: as of a sample.
        nbytes: of the whole image and its mask.
    """

    image: Sliced
    mask: Sliced
    name: str
    nbytes: int


def planes_last(mask: Sliced, axes: int = 2) -> Sliced:
    """A mask as windows of it are cut: class ids (h, w), and planes (classes, h, w) as (h, w, classes).

    Those of volumes have three axes of space.
    """
    return np.moveaxis(mask, 0, -1) if isinstance(mask, np.ndarray) and mask.ndim > axes else mask


def part_sample(dataset: Dataset, index: int, *, decoded: bool = False) -> PartSample | None:
    """A sample of a data set that is read by parts; None if it is read as a whole.

    With `decoded`, parts of volumes that are decoded as a whole will do.
    """
    source = dataset.source if isinstance(dataset, CodedDataset) else None
    if isinstance(dataset, CodedDataset) and isinstance(source, CaseSource):
        number = dataset.indices[index]
        return _part_of_case(dataset, source, number) if decoded or source.is_windowed(number) else None
    if not isinstance(dataset, CodedDataset) or not isinstance(source, BlockSource):
        return None
    number = dataset.indices[index]
    block, name = source.blocks[number], source.entries[number].name
    if not block.pixel:
        return None
    height, width = block.shape
    image = Part(block.shape, partial(source.image_part, number))
    mask = Part(block.shape, partial(_class_ids, source, number, dataset.coding, name))
    return PartSample(image, mask, name, height * width * (block.pixel + 1))


def _part_of_case(dataset: CodedDataset, source: CaseSource, number: int) -> PartSample:
    name, shape = source.entries[number].name, source.shape(number)
    image = Part(shape, partial(source.image_part, number))
    mask = Part(shape, partial(_ids_of_case, source, number, dataset.coding, name))
    return PartSample(image, mask, name, source.looks[number].stored)


def _ids_of_case(source: CaseSource, index: int, coding: MaskCoding, name: str, window: Window) -> NDArray[Any]:
    """The class ids or planes of a part of the mask of a volume."""
    sides = [part.stop - part.start for part in window]
    try:
        ids = out_of_rows(read_mask(source.mask_part(index, window), coding), sides)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return np.asarray(planes_last(ids, len(sides)))


class Rows:
    """The mask of a volume (d, h, w) or (d, h, w, classes) as one image, its slices below each other.

    Args:
        mask: an array, or what gives its parts.
    """

    def __init__(self, mask: Sliced) -> None:
        self._mask = mask
        self.shape: tuple[int, ...] = (mask.shape[0] * mask.shape[1], *mask.shape[2:])

    def __getitem__(self, window: tuple[slice, ...], /) -> NDArray[Any]:
        """The part of some rows, which lie in few slices, and columns."""
        (first, last, _), height = window[0].indices(self.shape[0]), self._mask.shape[1]
        top, bottom = first // height, -(-last // height)
        slices = np.asarray(self._mask[slice(top, bottom), slice(0, height), slice(0, self.shape[1])])
        return in_rows(slices)[first - top * height : last - top * height, window[1]]


def _class_ids(source: BlockSource, index: int, coding: MaskCoding, name: str, window: Window) -> NDArray[Any]:
    """The class ids or planes of a part of a mask; raises DataError if it cannot be read, or holds no class."""
    raw = source.mask_part(index, window)
    try:
        return np.asarray(planes_last(read_mask(raw, coding)))
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
