"""Where the pixels of each class lie in a mask, found without a look at the whole mask each time."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

_BAND = 64  # rows


class ClassPlaces:
    """How many pixels of each class are in each band of rows of a mask.

    Args:
        mask: class ids (h, w), `UNKNOWN` where nobody knows; looked at once, and not kept.

    Attributes:
        classes: the ids that occur, without `UNKNOWN`.
    """

    def __init__(self, mask: NDArray[np.integer]) -> None:
        bands = (mask[top : top + _BAND].ravel() for top in range(0, mask.shape[0], _BAND))
        counts = np.stack([np.bincount(band, minlength=UNKNOWN + 1)[:UNKNOWN] for band in bands])
        self.classes = np.flatnonzero(counts.sum(0))
        self._ends = counts[:, self.classes].cumsum(0)

    def draw(self, mask: NDArray[np.integer], random: np.random.Generator) -> tuple[int, int]:
        """Row and column of a pixel of the same mask: each class equally often, each of its pixels equally often."""
        column = int(random.integers(len(self.classes)))
        ends = self._ends[:, column]
        number = int(random.integers(ends[-1]))
        band = int(np.searchsorted(ends, number, side="right"))
        rows = mask[band * _BAND : (band + 1) * _BAND]
        before = int(ends[band - 1]) if band else 0
        place = np.flatnonzero(rows.ravel() == self.classes[column])[number - before]
        row, left = divmod(int(place), mask.shape[1])
        return band * _BAND + row, left
