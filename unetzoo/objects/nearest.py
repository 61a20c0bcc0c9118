"""The distances of each pixel to the two nearest objects, as far as they matter."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import Mask, Numbers

_PIXELS = 2**18  # of a shelf, about
_FAR = np.iinfo(np.int32).max
Integers = NDArray[np.integer[Any]]


class _Object(NamedTuple):
    """An object in its box: the first row and column, and which pixels (h, w) are its own."""

    top: int
    left: int
    mask: Mask


def two_nearest(objects: Numbers, reach: int) -> tuple[Numbers, Numbers]:
    """The squared distances (h, w) to the nearest and the second nearest object.

    Distances beyond `reach` are some number beyond it. They are computed in boxes around each object.
    """
    nearest, second = np.full((2, *objects.shape), _FAR, np.int32)
    for shelf in _shelves(objects, reach):
        for item, squares in zip(shelf, _squared_distances(shelf, reach), strict=True):
            top, left = item.top - reach, item.left - reach
            box = np.s_[max(0, top) : top + squares.shape[0], max(0, left) : left + squares.shape[1]]
            one, two = nearest[box], second[box]
            inside = squares[max(0, -top) :, max(0, -left) :][: one.shape[0], : one.shape[1]]
            np.minimum(two, np.maximum(one, inside), out=two)
            np.minimum(one, inside, out=one)
    return nearest, second


def _shelves(objects: Numbers, reach: int) -> Iterator[list[_Object]]:
    """The objects, some of similar height at a time."""
    from scipy.ndimage import find_objects

    spans = [(number, *span) for number, span in enumerate(find_objects(objects), start=1) if span]
    shelf, pixels = list[_Object](), 0
    for number, rows, columns in sorted(spans, key=lambda span: span[1].stop - span[1].start):
        item = _Object(rows.start, columns.start, objects[rows, columns] == number)
        shelf.append(item)
        pixels += (item.mask.shape[0] + 2 * reach) * (item.mask.shape[1] + 2 * reach)
        if pixels > _PIXELS:
            yield shelf
            shelf, pixels = [], 0
    if shelf:
        yield shelf


def _squared_distances(shelf: Sequence[_Object], reach: int) -> Iterator[Integers]:
    """For each object the squared distances (h + 2 reach, w + 2 reach) to it of the pixels in its box and around it.

    Objects stand side by side, so far apart that none is within reach of another one. First each pixel gets the number
    of rows to the next pixel of the object above or below; the nearest one is that of some column within reach.
    """
    places, width = list[tuple[slice, slice]](), 0
    for item in shelf:
        height, length = (side + 2 * reach for side in item.mask.shape)
        places.append(np.s_[:height, width : width + length])
        width += length
    dtype = np.int16 if (reach + 1) ** 2 + reach**2 < 2**15 else np.int32
    rows = np.full((max(place[0].stop for place in places), width), reach + 1, dtype)
    for item, (_, columns) in zip(shelf, places, strict=True):
        height, begin = len(item.mask), columns.start + reach
        rows[reach : reach + height, begin : columns.stop - reach][item.mask] = 0
    for index in range(1, len(rows)):
        np.minimum(rows[index], rows[index - 1] + 1, out=rows[index])
    for index in range(len(rows) - 2, -1, -1):
        np.minimum(rows[index], rows[index + 1] + 1, out=rows[index])
    squares = _nearest_column((rows * rows).ravel(), reach).reshape(rows.shape)
    return (squares[place] for place in places)


def _nearest_column(squares: Integers, reach: int) -> Integers:
    """For each pixel of a line the smallest sum of a square and that of the number of pixels to it, up to `reach`."""
    least, sums = squares.copy(), np.empty_like(squares)
    for distance in range(1, reach + 1):
        np.add(squares, distance**2, out=sums)
        np.minimum(least[:-distance], sums[distance:], out=least[:-distance])
        np.minimum(least[distance:], sums[:-distance], out=least[distance:])
    return least
