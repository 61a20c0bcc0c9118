"""Blend the predictions of tiles, one row of tiles after the other, or one layer of them in a volume."""

from collections.abc import Iterator, Sequence

import numpy as np

from unetzoo.inference.forward import Probabilities
from unetzoo.inference.tiles import Axis

_ROWS = {2: 64, 3: 1}  # by the number of axes, that are yielded at once: what is computed from them needs memory, too


class Blend:
    """The rows of an image, or the slices of a volume, that the current tiles reach.

    Args:
        classes: of the probabilities.
        axes: the tiles along each axis; rows are those of the first one.
        top: the first row; those above it are left out.
        out: where all rows (classes, h, w) are written; None: they are kept until they are finished.
    """

    def __init__(self, classes: int, axes: Sequence[Axis], *, top: int = 0, out: Probabilities | None = None) -> None:
        self.top = top
        self._axes = tuple(axes)
        self._down = down = axes[0]
        tops = [0, *(down.finished(index) for index in range(down.count - 1))]
        most = max(down.used(index)[1] - before for index, before in enumerate(tops))
        shape = (classes, most, *(axis.length for axis in axes[1:]))
        self._has_out = out is not None
        self._rows = np.empty(shape, dtype=np.float32) if out is None else out[:, top:]
        self._written = 0  # rows, from `top`, to which a row of tiles has been added

    def add(self, index: Sequence[int], tile: Probabilities) -> None:
        """Add the tile (classes, h, w) of that number along each axis, whose values are changed.

        Tiles come row by row, and from left to right.
        """
        part = self._weighted(index, tile)
        (first, beyond), *others = (axis.used(number) for axis, number in zip(self._axes, index, strict=True))
        hidden = max(0, self.top - first)
        first += hidden - self.top
        part = part[:, hidden:]
        place = self._rows[(slice(None), slice(first, beyond - self.top), *(slice(*used) for used in others))]
        beside = [
            axis.used(number - 1)[1] - used[0] if number else 0
            for axis, number, used in zip(self._axes[1:], index[1:], others, strict=True)
        ]
        for axis, written in enumerate((max(0, self._written - first), *beside), 1):
            before, after = ((slice(None),) * axis + (each,) for each in (slice(written), slice(written, None)))
            place[before] += part[before]
            place, part = place[after], part[after]
        place[...] = part

    def finish(self, index: int) -> Iterator[tuple[int, Probabilities]]:
        """The rows that are finished with this row of tiles, some at once, unless they go to `out`; then forget them.

        Yields:
            The number of the first row, and (classes, rows, w).
        """
        finished = max(0, self._down.finished(index) - self.top)
        reached = self._down.used(index)[1] - self.top
        self._written = max(0, reached - finished)
        if self._has_out:
            self._rows = self._rows[:, finished:]
        else:
            step = _ROWS[len(self._axes)]
            for first in range(0, finished, step):
                yield self.top + first, self._rows[:, first : min(first + step, finished)].copy()
            self._rows[:, : self._written] = self._rows[:, finished:reached]
        self.top += finished

    def _weighted(self, index: Sequence[int], tile: Probabilities) -> Probabilities:
        """The part of a tile that has a weight, multiplied by it."""
        along = list(zip(self._axes, index, strict=True))
        part = tile
        for number, (tiles, place) in enumerate(along, 1):
            used, span = tiles.used(place), tiles.span(place)
            part = part[(slice(None),) * number + (slice(used[0] - span[0], used[1] - span[0]),)]
        for number, (tiles, place) in enumerate(along, 1):
            for where, weights in tiles.ramps(place):
                part[(slice(None),) * number + (where,)] *= weights.reshape(-1, *(1,) * (len(along) - number))
        return part
