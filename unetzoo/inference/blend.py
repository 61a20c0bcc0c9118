"""Blend the predictions of tiles, one row of tiles after the other."""

from collections.abc import Iterator

import numpy as np

from unetzoo.inference.forward import Probabilities
from unetzoo.inference.tiles import Axis

_ROWS = 64  # that are yielded at once: what is computed from them needs memory, too


class Blend:
    """The rows of an image that the current tiles reach.

    Args:
        classes: of the probabilities.
        down: the tiles from top to bottom.
        right: the tiles from left to right.
        top: the first row; those above it are left out.
        out: where all rows (classes, h, w) are written; None: they are kept until they are finished.
    """

    def __init__(
        self, classes: int, down: Axis, right: Axis, *, top: int = 0, out: Probabilities | None = None
    ) -> None:
        self.top = top
        self._down = down
        self._right = right
        tops = [0, *(down.finished(index) for index in range(down.count - 1))]
        most = max(down.used(index)[1] - before for index, before in enumerate(tops))
        self._has_out = out is not None
        self._rows = np.empty((classes, most, right.length), dtype=np.float32) if out is None else out[:, top:]
        self._written = 0  # rows, from `top`, to which a row of tiles has been added

    def add(self, index: int, column: int, tile: Probabilities) -> None:
        """Add a tile (classes, h, w), whose values are changed. Tiles come from left to right, and row by row."""
        part = self._weighted(index, column, tile)
        (first, beyond), (left, end) = self._down.used(index), self._right.used(column)
        hidden = max(0, self.top - first)
        part = part[:, hidden:]
        place = self._rows[:, first + hidden - self.top : beyond - self.top, left:end]
        above = max(0, self._written - (first + hidden - self.top))
        beside = self._right.used(column - 1)[1] - left if column else 0
        place[:, :above] += part[:, :above]
        place[:, above:, :beside] += part[:, above:, :beside]
        place[:, above:, beside:] = part[:, above:, beside:]

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
            for first in range(0, finished, _ROWS):
                yield self.top + first, self._rows[:, first : min(first + _ROWS, finished)].copy()
            self._rows[:, : self._written] = self._rows[:, finished:reached]
        self.top += finished

    def _weighted(self, index: int, column: int, tile: Probabilities) -> Probabilities:
        """The part of a tile that has a weight, multiplied by it."""
        rows, columns = (
            slice(used[0] - span[0], used[1] - span[0])
            for used, span in (
                (self._down.used(index), self._down.span(index)),
                (self._right.used(column), self._right.span(column)),
            )
        )
        part = tile[:, rows, columns]
        for where, weights in self._down.ramps(index):
            part[:, where] *= weights[:, None]
        for where, weights in self._right.ramps(column):
            part[:, :, where] *= weights
        return part
