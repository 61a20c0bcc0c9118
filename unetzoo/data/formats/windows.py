"""Images that are read by windows, so that a large one never lies in memory as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import UNKNOWN_COLOR, Colors
from unetzoo.data.formats.content import Known, channel_axis, check_finite
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.formats.tiff_page import as_bytes
from unetzoo.errors import DataError, describe_error

_COLORS = 256  # of a palette


@dataclass(frozen=True)
class Windows:
    """An image (h, w, c) of which `image[rows, columns]`, two slices, reads a part.

    Attributes:
        array: to read from.
        order: its axes of height, width and channels; without the last if there are no channels.
        name: for errors.
        nodata: values that stand for no data.
        are_bits: pixels of one bit are 0 and 255.
    """

    array: Any
    order: tuple[int, ...]
    name: str
    nodata: tuple[float, ...] = ()
    are_bits: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        dtype: np.dtype[Any] = np.dtype(np.uint8 if self.are_bits else self.array.dtype)
        return dtype

    @property
    def shape(self) -> tuple[int, int, int]:
        """(h, w, c)."""
        height, width, *channels = (self.array.shape[axis] for axis in self.order)
        return height, width, channels[0] if channels else 1

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """The part (rows, columns, c), masked where it holds no data.

        Raises:
            DataError: it cannot be read, or holds infinity.
        """
        index: list[slice | int] = [0] * self.array.ndim  # further axes have one element
        for axis, part in zip(self.order, (*window, slice(None)), strict=False):
            index[axis] = part
        try:
            block = np.asarray(self.array[tuple(index)])
        except Exception as error:  # the readers raise nearly anything for damaged data
            raise DataError(f"{self.name} cannot be read: {describe_error(error)}") from error
        kept = sorted(self.order)
        pixels = block.transpose([kept.index(axis) for axis in self.order])
        pixels = masked_values(as_bytes(pixels) if self.are_bits else pixels, self.nodata)
        check_finite(pixels, self.name)
        return pixels if pixels.ndim == 3 else pixels[..., None]


def nameless_windows(array: Any, path: Path, known: Known) -> Windows:  # noqa: ANN401 - numpy's or zarr's
    """The windows of an array whose axes have no names: of three the channels are the first or the last.

    Raises:
        DataError: it has other axes, or does not hold numbers.
    """
    large = [axis for axis, length in enumerate(array.shape) if length > 1 or array.ndim <= 3]
    if not 2 <= len(large) <= 3 or 0 in array.shape:
        raise DataError(f"{path}: an image must be (h, w) or (h, w, channels), but this is {tuple(array.shape)}")
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: pixels must be numbers, but these are {array.dtype}")
    if len(large) == 3 and channel_axis(tuple(array.shape[axis] for axis in large), known) == 0:
        large = [*large[1:], large[0]]
    return Windows(array, tuple(large), str(path))


def check_chunks(array: Any, name: str) -> None:  # noqa: ANN401 - zarr is an extra
    """Raise DataError if the chunks in which an array is stored are themselves too large for the memory."""
    sizes = (min(chunk, length) for chunk, length in zip(array.chunks, array.shape, strict=True))
    size = int(np.prod([*sizes], dtype=object))
    check_memory(name, 2 * size * array.dtype.itemsize)


class Rows(Protocol):
    """Rows to write into a file: an image (h, w), planes (planes, h, w), or colors (h, w, 3 or 4).

    Attributes:
        shape: of all rows together.
        dtype: of the values.
        row_axis: which axis is the height.
        palette: colors (classes, 3) in which viewers show ids; None: no palette.
        grid: where the pixels lie.
        nodata: value of pixels without data; None: there is no such value.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    row_axis: int
    palette: Colors | None
    grid: Grid
    nodata: float | None

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        """All rows from the top, so many at once: the number of the first one, and an array like `shape`, but lower."""


def planes_of(rows: Rows) -> Iterator[Any]:
    """The index of each plane (h, w); of colors, or of a single plane, that of all."""
    if rows.row_axis == 0:
        yield ...
    else:
        yield from range(rows.shape[0])


def full_palette(palette: Colors) -> Colors:
    """Colors (256, 3): values of no class have that of unknown pixels."""
    unknown = np.full((_COLORS - len(palette), 3), UNKNOWN_COLOR, np.uint8)
    return np.concatenate([palette, unknown])
