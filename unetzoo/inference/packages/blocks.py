"""Cut an image into blocks of a size that a network takes, and put its results together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import ShapeError
from unetzoo.inference.packages.description import Side
from unetzoo.inference.tiles import read_mirrored

Values = NDArray[np.generic]
_HALO = 64  # pixels of a border without context, where the package states none; of small blocks a quarter


@dataclass(frozen=True)
class Cut:
    """How a length is cut.

    Attributes:
        length: of the image, in pixels.
        size: of each block, as the network takes it.
        lost: pixels at each end of a block that its result lacks.
        border: pixels at each end of a block that its result lacks, or that are not used.
    """

    length: int
    size: int
    lost: int
    border: int

    def spans(self) -> Iterator[tuple[int, int]]:
        """The first pixel of each block, and the first one that it contributes."""
        inner = self.size - 2 * self.border
        for first in range(0, self.length, inner):
            yield first - self.border, first

    def used(self, first: int) -> tuple[slice, slice]:
        """What a block that contributes from `first` on contributes: in the image, and in its result."""
        beyond = min(first + self.size - 2 * self.border, self.length)
        start = self.border - self.lost
        return slice(first, beyond), slice(start, start + beyond - first)


def cut(length: int, side: Side, tile: int) -> Cut:
    """How an image of that length is cut: not at all, if a block of at most `tile` pixels holds it.

    Raises:
        ShapeError: the blocks of the network are smaller than the borders that they lose.
    """
    whole = length + 2 * side.lost
    if side.step == 0:
        size, is_whole = side.least, whole <= side.least
    else:
        steps = max(0, -(-(whole - side.least) // side.step))
        size, is_whole = side.least + steps * side.step, True
        if size > max(tile, side.least):
            size, is_whole = side.least + max(0, (tile - side.least) // side.step) * side.step, False
    if is_whole:
        return Cut(length, size, side.lost, side.lost)
    border = side.lost + (side.halo or min(_HALO, size // 8))
    if size <= 2 * border:
        raise ShapeError(f"blocks of {size} pixels with borders of {border} pixels leave nothing: choose a larger tile")
    return Cut(length, size, side.lost, border)


def in_blocks(
    image: Values,
    down: Cut,
    right: Cut,
    run: Callable[[Values], Values],
    on_rows: Callable[[int], None] = lambda _: None,
) -> Values:
    """The results (h, w, ...) of all blocks of an image (h, w, ...), which is mirrored beyond its borders.

    Args:
        image: what the network takes.
        down: how its rows are cut.
        right: how its columns are cut.
        run: the network, on a block.
        on_rows: called with the number of finished rows.
    """
    result: Values | None = None
    for top, row in down.spans():
        rows, part_rows = down.used(row)
        for left, column in right.spans():
            columns, part_columns = right.used(column)
            block = run(read_mirrored(image, (top, top + down.size), (left, left + right.size)))
            _check_size(block, down, right)
            if result is None:
                result = np.empty((down.length, right.length, *block.shape[2:]), block.dtype)
            result[rows, columns] = block[part_rows, part_columns]
        on_rows(rows.stop)
    assert result is not None  # noqa: S101 - an image has at least one pixel
    return result


def _check_size(block: Values, down: Cut, right: Cut) -> None:
    expected = (down.size - 2 * down.lost, right.size - 2 * right.lost)
    if block.shape[:2] != expected:
        raise ShapeError(f"the network gave {block.shape[:2]} pixels, and its description says {expected}")
