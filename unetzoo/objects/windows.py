"""Windows of rows, or of slices, in which objects are whole, for label images and volumes larger than the memory."""

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_PIXELS = {2: 2**21, 3: 2**23}  # of a window that no object reaches beyond, by the number of axes


class Window(NamedTuple):
    """Some rows of a label image, or slices of a label volume, with the objects that begin in them.

    Attributes:
        top: the first row.
        ids: number of each pixel's object (rows, w) or (slices, h, w); 0 where there is none, or one of another window.
        own: how many rows are not part of a later window.
    """

    top: int
    ids: NDArray[np.integer]
    own: int


def object_windows(
    ids: Any,  # noqa: ANN401 - whatever can be sliced
    *,
    rows: int | None = None,
) -> Iterator[Window]:
    """The objects of a label image, each whole in the window of the rows in which it begins.

    Memory grows with the longest object and the number of objects, not with the image.

    Args:
        ids: number of each pixel's object (h, w) or (d, h, w), a numpy array, a memory map, a Zarr array or the like;
            0: none.
        rows: of a window that no object reaches beyond; None: some that hold about 2 million pixels, or slices of
            about 8 million voxels.
    """
    height, *across = ids.shape
    rows = rows or max(1, _PIXELS[len(ids.shape)] // max(1, prod(across)))
    numbers, first, last = _extents(ids, rows)
    for strip, top in enumerate(range(0, height, rows)):
        owned = numbers[first == strip]
        bottom = min(height, (int(last[first == strip].max(initial=strip)) + 1) * rows)
        window = np.asarray(ids[top:bottom])
        yield Window(top, np.where(np.isin(window, owned), window, 0), min(rows, height - top))


def _extents(ids: Any, rows: int) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:  # noqa: ANN401 - as above
    """The number of each object, and the first and the last strip of so many rows that it lies in."""
    present = [np.unique(np.asarray(ids[top : top + rows])) for top in range(0, ids.shape[0], rows)]
    strips = np.repeat(np.arange(len(present)), [len(numbers) for numbers in present])
    numbers, places = np.unique(np.concatenate(present), return_inverse=True)
    first, last = np.full(len(numbers), len(present)), np.zeros(len(numbers), np.int64)
    np.minimum.at(first, places, strips)
    np.maximum.at(last, places, strips)
    is_object = numbers > 0
    return numbers[is_object], first[is_object], last[is_object]
