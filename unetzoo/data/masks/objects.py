"""Masks whose values number objects: each value is one compact object, and the numbers leave none out."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import Codes

FEWEST = 3
"""With fewer values, a mask may be one of classes as well as one of objects."""

_MOST = 4096  # objects
_FILLED = 0.35  # of its box, a compact object
_MOSTLY = 0.9
_UNKNOWN = 255
_LONGEST = 512  # pixels of a side that are looked at


def are_objects(codes: Codes, present: Codes) -> bool:
    """Whether the values (h, w) of a mask look like numbers of objects: from 1 on, each a compact object.

    Args:
        codes: of the pixels.
        present: those that occur, in ascending order.
    """
    numbers = present[(present > 0) & (present != _UNKNOWN)]
    if present[0] < 0 or not FEWEST <= len(numbers) <= _MOST or len(numbers) < _MOSTLY * numbers[-1]:
        return False
    step = max(1, max(codes.shape) // _LONGEST)
    seen, count = codes[::step, ::step], int(present[-1]) + 1
    areas = np.bincount(seen.reshape(-1), minlength=count)[numbers]
    boxes = (_extents(seen, count) * _extents(seen.T, count))[numbers]
    is_compact = (areas >= _FILLED * boxes)[areas > 0]
    return bool(is_compact.size and is_compact.mean() >= _MOSTLY)


def _extents(codes: Codes, count: int) -> NDArray[np.int64]:
    """Of each value, in how many rows it lies, from its first one to its last one."""
    values, rows = codes.reshape(-1), np.repeat(np.arange(len(codes)), codes.shape[1])
    first, last = np.zeros((2, count), np.int64)
    last[values] = rows  # of an index that is repeated, the last one counts
    first[values[::-1]] = rows[::-1]
    return last - first + 1
