"""Masks whose values number objects: each value is one compact object, and the numbers leave none out."""

import numpy as np

from unetzoo.data.colors import Codes

_FEWEST = 2
_MOST = 4096
_FILLED = 0.35  # of its box, a compact object
_MOSTLY = 0.9
_UNKNOWN = 255


def are_objects(codes: Codes, present: Codes) -> bool:
    """Whether the values (h, w) of a mask look like numbers of objects: from 1 on, each a compact object.

    Args:
        codes: of the pixels.
        present: those that occur, in ascending order.
    """
    numbers = present[(present > 0) & (present != _UNKNOWN)]
    if present[0] < 0 or not _FEWEST <= len(numbers) <= _MOST or len(numbers) < _MOSTLY * numbers[-1]:
        return False
    rows, columns = np.nonzero(codes)
    values = codes[rows, columns]
    order = values.argsort(kind="stable")
    starts = np.searchsorted(values[order], numbers)
    areas = np.diff(np.r_[starts, len(values)])
    boxes = np.ones(len(numbers), dtype=np.int64)
    for places in (rows[order], columns[order]):
        boxes *= np.maximum.reduceat(places, starts) - np.minimum.reduceat(places, starts) + 1
    return bool((areas >= _FILLED * boxes).mean() >= _MOSTLY)
