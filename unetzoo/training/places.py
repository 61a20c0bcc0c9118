"""Where the pixels of classes lie in a mask, to draw some without a scan of the mask."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.sources.parts import Sliced
from unetzoo.nn.coding import UNKNOWN

_BAND = 64  # rows


class ClassPlaces:
    """Counts of the pixels of each class in each band of rows of a mask, to draw pixels without a scan of the mask.

    `classes` are the ids that occur in the mask, (h, w) or planes (h, w, classes), without `UNKNOWN`; `is_sparse` says
    whether the class of most pixels is unknown, as beside scribbles. The mask is not kept.
    """

    def __init__(self, mask: NDArray[np.integer]) -> None:
        bands = [mask[top : top + _BAND] for top in range(0, mask.shape[0], _BAND)]
        counts = np.stack([_pixels_of_classes(band) for band in bands])
        self.classes = np.flatnonzero(counts.sum(0))
        self._ends = counts[:, self.classes].cumsum(0)
        self._known_ends = np.array([np.count_nonzero(_is_known(band)) for band in bands]).cumsum()
        self.is_sparse = bool(0 < 2 * self._known_ends[-1] < mask.shape[0] * mask.shape[1])

    def draw(self, mask: Sliced, random: np.random.Generator) -> tuple[int, int]:
        """Row and column of a random pixel of the mask: each class is equally likely, and so is each of its pixels."""
        column = int(random.integers(len(self.classes)))
        class_id = self.classes[column]

        def has_class(rows: NDArray[np.generic]) -> NDArray[np.bool_]:
            return np.asarray(rows == class_id if rows.ndim == 2 else rows[..., class_id] == 1)

        return _drawn(mask, self._ends[:, column], has_class, random)

    def draw_known(self, mask: Sliced, random: np.random.Generator) -> tuple[int, int]:
        """Row and column of a random pixel of the mask whose class is known."""
        return _drawn(mask, self._known_ends, _is_known, random)


def _drawn(
    mask: Sliced,
    ends: NDArray[np.int64],
    is_there: Callable[[NDArray[np.generic]], NDArray[np.bool_]],
    random: np.random.Generator,
) -> tuple[int, int]:
    """One of some pixels of a mask, of which `ends` are the counts down to each band."""
    number = int(random.integers(ends[-1]))
    band = int(np.searchsorted(ends, number, side="right"))
    before = int(ends[band - 1]) if band else 0
    places = np.flatnonzero(is_there(mask[band * _BAND : (band + 1) * _BAND, :]))
    row, column = divmod(int(places[number - before]), mask.shape[1])
    return band * _BAND + row, column


def _is_known(mask: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where the class of a mask (h, w), or one of planes (h, w, classes), is known."""
    known = np.asarray(mask != UNKNOWN)
    return known if known.ndim == 2 else np.asarray(known.any(2))


def _pixels_of_classes(mask: NDArray[np.integer]) -> NDArray[np.int64]:
    """How many pixels have each class, of class ids (h, w) or planes (h, w, classes)."""
    if mask.ndim == 3:
        return np.asarray(np.count_nonzero(mask == 1, axis=(0, 1)))
    return np.bincount(mask.ravel(), minlength=UNKNOWN + 1)[:UNKNOWN]
