"""An open image and a result to write: what formats give and take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import UNKNOWN_COLOR, Colors
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.masks.forms import PLAIN, Marks

_COLORS = 256  # of a palette

Window: TypeAlias = tuple[slice, ...]
"""A part of an image: a slice of rows and one of columns, of a volume one of slices before them; 0 <= start < stop."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """An open image: an array of which windows are read, and the grid on which its pixels lie.

    Attributes:
        shape: (h, w, c), of a volume (d, h, w, c); all > 0.
        dtype: of the values: numbers, or true and false.
        read: gives the part of a window, (h, w, c) or (d, h, w, c), with all channels; a masked array if the file says
            that values are no data otherwise than by `grid.nodata`. What it raises is explained with the file's name.
        grid: where the pixels lie.
        block: sides of the blocks in which the file stores pixels, along the axes of space: windows along them are
            fastest; empty: it is decoded as a whole.
        levels: the same image in coarser pixels, finest first; empty: there are none.
        orientation: 1 to 8, how to turn an image, as in tag 274 of TIFF and EXIF; 1: not at all.
        marks: what the file of a mask says of its values.
        is_mapped: windows cost no more than their own bytes, so that prediction never reads the whole.
        doubt: what is doubtful about how it is read, such as `"its 5 times are taken for channels"`; empty: nothing.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Window], NDArray[Any]]
    grid: Grid = NO_GRID
    block: tuple[int, ...] = ()
    levels: "tuple[Raster, ...]" = field(default=())
    orientation: int = 1
    marks: Marks = PLAIN
    is_mapped: bool = False
    doubt: str = ""

    @property
    def whole(self) -> Window:
        """The window of all pixels."""
        return tuple(slice(0, length) for length in self.shape[:-1])

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


class ResultArray(Protocol):
    """A result to write into a file.

    Attributes:
        shape: of the whole array.
        dtype: of the values.
        axes: a letter for each axis: `"YX"`: ids of classes or objects; `"CYX"`: planes, such as the probabilities of
            classes; `"YXS"`: colors of 3 or 4 channels; `"ZYX"` and `"CZYX"`: of a volume.
        palette: colors (classes, 3) in which viewers show ids; None: no palette.
        grid: where the pixels lie: that of the image.
        nodata: value of pixels without data; None: there is no such value.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str
    palette: Colors | None
    grid: Grid
    nodata: float | None

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        """All rows from the top, so many at once: the number of the first, and an array like `shape`, but lower.

        Of a volume they are its slices. What this raises is the end of a prediction, and is not to be caught.
        """


def planes_of(result: ResultArray) -> Iterator[Any]:
    """The index of each plane (h, w), or (d, h, w) of a volume; of colors, or of a single plane, that of all."""
    if not result.axes.startswith("C"):
        yield ...
    else:
        yield from range(result.shape[0])


def is_whole(window: Window, shape: tuple[int, ...]) -> bool:
    """Whether a window is all of an image of that shape."""
    return all((part.start, part.stop) == (0, length) for part, length in zip(window, shape, strict=False))


def full_palette(palette: Colors) -> Colors:
    """Colors (256, 3): values of no class have that of unknown pixels."""
    unknown = np.full((_COLORS - len(palette), 3), UNKNOWN_COLOR, np.uint8)
    return np.concatenate([palette, unknown])
