"""Windows of images and volumes: where random crops begin, and their pixels, some perhaps beyond the border."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.sources.parts import Sliced

_BORDER = 4  # a crop is drawn up to 1 / _BORDER of its side beyond the border, then moved inside

Spans = Sequence[tuple[int, int]]
"""Along each axis of an image, the first pixel of a window and the one after its last; both may lie outside."""


def anywhere(length: int, side: int, random: np.random.Generator) -> int:
    """A random start of a crop: the first and the last are more likely, or pixels at the border would be rare.

    An image smaller than the crop lies closer to the center of the crop than to its ends, or rotations would lose it.
    """
    if length < side:
        rest = side - length
        return -int(random.integers(rest // 4, rest - rest // 4, endpoint=True))
    reach = side // _BORDER
    return moved_inside(int(random.integers(-reach, length - side + reach, endpoint=True)), length, side)


def around(place: int, length: int, side: int, random: np.random.Generator) -> int:
    """A random start of a crop that has a pixel in its middle half, or as near to it as the border lets it."""
    return moved_inside(place - int(random.integers(side // 4, side - side // 4)), length, side)


def moved_inside(start: int, length: int, side: int) -> int:
    """The start of a crop, moved so that as much as possible of the crop lies inside."""
    low, high = sorted((0, length - side))
    return min(max(start, low), high)


def is_inside(shape: Sequence[int], spans: Spans) -> bool:
    """Whether no pixel of a window lies beyond the border of an image."""
    return all(start >= 0 and stop <= length for (start, stop), length in zip(spans, shape, strict=False))


def outside_of(shape: Sequence[int], spans: Spans) -> NDArray[np.bool_]:
    """Mask of the pixels of a window that lie beyond the border of an image."""
    places = [np.arange(*span) for span in spans]
    along = [(each < 0) | (each >= length) for each, length in zip(places, shape, strict=False)]
    outside: NDArray[np.bool_] = reduce(np.logical_or.outer, along)
    return outside


def window(pixels: Sliced, spans: Spans, *, fill: int) -> NDArray[np.generic]:
    """The window of pixels (h, w, ...), or voxels (d, h, w, ...), `fill` beyond the border."""
    inside: NDArray[np.generic] = pixels[tuple(slice(max(0, start), max(0, stop)) for start, stop in spans)]
    sides, count = tuple(stop - start for start, stop in spans), len(spans)
    if inside.shape[:count] == sides:
        return inside
    first = [max(0, -start) for start, _ in spans]
    place = tuple(slice(start, start + side) for start, side in zip(first, inside.shape, strict=False))
    filled = np.full((*sides, *inside.shape[count:]), fill, dtype=inside.dtype)
    filled[place] = np.ma.getdata(inside)
    if not np.ma.is_masked(inside):
        return filled
    masked = np.zeros(filled.shape, bool)
    masked[place] = np.ma.getmaskarray(inside)
    return np.ma.array(filled, mask=masked)
