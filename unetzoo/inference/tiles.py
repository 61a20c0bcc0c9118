"""Cut a large image into tiles (the overlap-tile strategy of arXiv:1505.04597).

Neighbouring tiles share an overlap. In its outer quarters, where a tile lacks context, it has no weight; between them
the weight passes smoothly from one tile to the other, so that all weights add up to 1 at every pixel. Beyond the border
of an image that is cut, its mirror image is seen.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]
TILE_OF_LARGE = 1280
_TILE = 2048
_LARGE = 2**27  # pixels
_NEARLY_LEAST = 1.01  # of all pixels seen: among plans up to this, the one with the lowest tiles needs the least memory


@dataclass(frozen=True)
class Axis:
    """The tiles along one axis of an image.

    Attributes:
        length: of the image, in pixels.
        size: of each tile but the last one, which may be smaller.
        shared: pixels that a tile has in common with the next.
        count: of tiles.
        border: pixels that are seen beyond each end of the image, at least; 0 where there is but one tile.
        unit: of which every first pixel and every size is a multiple, unless there is but one tile.
    """

    length: int
    size: int
    shared: int
    count: int
    border: int
    unit: int

    def span(self, index: int) -> tuple[int, int]:
        """The first pixel of a tile, and one beyond its last; both may lie outside of the image."""
        start = index * (self.size - self.shared) - self.border
        if index < self.count - 1 or self.count == 1:
            return start, start + self.size
        return start, start + _up_to_multiple(self.length + self.border - start, self.unit)

    @property
    def seen(self) -> int:
        """The pixels of all tiles together."""
        first, beyond = self.span(self.count - 1)
        return (self.count - 1) * self.size + beyond - first

    def used(self, index: int) -> tuple[int, int]:
        """The first pixel of the image at which a tile has a weight, and one beyond the last."""
        first, beyond = self.span(index)
        outer = self.shared // 4
        return (
            first + outer if index else 0,
            min(beyond - outer, self.length) if index < self.count - 1 else self.length,
        )

    def ramps(self, index: int) -> Iterator[tuple[slice, Weights]]:
        """Where, counted from the first used pixel, a tile's weight is not 1, and what it is there."""
        first, beyond = self.used(index)
        wide = self.shared // 2
        rising = (0.5 - 0.5 * np.cos(np.pi * (np.arange(wide) + 0.5) / max(1, wide))).astype(np.float32)
        if index:
            yield slice(0, min(wide, beyond - first)), rising[: beyond - first]
        if index < self.count - 1:
            begin = self.used(index + 1)[0]
            yield slice(begin - first, beyond - first), 1 - rising[: beyond - begin]

    def finished(self, index: int) -> int:
        """Up to which pixel no later tile than that of this index has a weight."""
        return self.length if index == self.count - 1 else self.used(index + 1)[0]


def default_tile(shape: tuple[int, int]) -> int:
    """The `tile` of `plan_tiles` for an image (h, w): less where whole rows of tiles need much memory."""
    return _TILE if shape[0] * shape[1] <= _LARGE else TILE_OF_LARGE


def plan_tiles(shape: tuple[int, int], tile: int, overlap: int, unit: int) -> tuple[Axis, Axis]:
    """The tiles of an image of which the fewest pixels are seen in all, down and to the right.

    An image of no more than `tile` x `tile` pixels is one tile. Else a tile has about as many, and sides from about
    half to twice of `tile`; the side of an image may be shorter, and is then seen as a whole. A side that is not cut
    has no overlap and is not mirrored, so that strips as wide as the image are often the least work.

    Args:
        shape: of the image, (h, w).
        tile: side in pixels of the square whose area a tile has at most; with less than six `unit`s or an `overlap`
            near half of it, it may need more.
        overlap: that neighbours share at least, less than half of `tile`.
        unit: of which every first pixel and every size of a cut side is a multiple: what a network pools together in
            the whole image, it then pools together in a tile.
    """
    if shape[0] * shape[1] <= tile**2:
        height, width = (Axis(length, length, 0, 1, 0, unit) for length in shape)
        return height, width
    shared = _up_to_multiple(overlap, 2 * unit)
    least = max(unit, tile // 2 // unit * unit, shared + _up_to_multiple(max(1, shared // 2), unit))
    area = max(tile**2, 2 * least**2 if least > tile // 2 else 0)
    downs, rights = (list(_cuts(length, shared, least, area, unit)) for length in shape)
    sizes = [-axis.size for axis in rights]
    plans = []
    for down in downs:
        fits = bisect_left(sizes, -(area // down.size))
        if fits < len(rights):
            plans.append((down, rights[fits]))
    fewest = min(down.seen * right.seen for down, right in plans)
    good = [plan for plan in plans if plan[0].seen * plan[1].seen <= _NEARLY_LEAST * fewest]
    return min(good, key=lambda plan: plan[0].size)


def _cuts(length: int, shared: int, least: int, area: int, unit: int) -> Iterator[Axis]:
    """Ways to cut a side into one, two, ... tiles, none of which is shorter than `least` or larger than `area`."""
    if length <= area:
        yield Axis(length, length, shared, 1, 0, unit)
    border = _up_to_multiple(shared // 4, unit)
    whole = length + 2 * border - shared
    size = length
    for count in range(max(2, -(-whole // area)), whole // max(1, least - shared) + 2):
        even = _up_to_multiple(-(-whole // count), unit) + shared
        needed = -(-whole // (even - shared))
        if even < least:
            return
        if needed == count and even < size:
            yield Axis(length, even, shared, count, border, unit)
            size = even


def _up_to_multiple(number: int, unit: int) -> int:
    return -(-number // unit) * unit


def read_mirrored(image: Any, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[Any]:  # noqa: ANN401 - whatever can be sliced
    """The pixels [rows[0], rows[1]) x [columns[0], columns[1]) of an image (h, w, ...), mirrored beyond its borders.

    Args:
        image: numpy array, memory map, Zarr array or the like; no more of it is read than is needed.
        rows: first and one beyond the last; may lie outside of the image.
        columns: likewise.
    """
    down, right = (_mirrored(span, length) for span, length in zip((rows, columns), image.shape[:2], strict=True))
    block: NDArray[Any] = np.asanyarray(image[down.min() : down.max() + 1, right.min() : right.max() + 1])
    for axis, indices in enumerate((down - down.min(), right - right.min())):
        if len(indices) != block.shape[axis] or (np.diff(indices) != 1).any():
            block = block.take(indices, axis)
    return block


def _mirrored(span: tuple[int, int], length: int) -> NDArray[np.intp]:
    """The indices of a span, reflected at the first and the last pixel as often as needed."""
    period = max(1, 2 * (length - 1))
    indices = np.abs(np.arange(*span)) % period
    return np.where(indices < length, indices, period - indices)
