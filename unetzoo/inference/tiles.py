"""Cut a large image into tiles (the overlap-tile strategy of arXiv:1505.04597).

Neighboring tiles share an overlap. In its outer quarters, where a tile lacks context, it has no weight; between them
the weight passes smoothly from one tile to the other, so that all weights add up to 1 at every pixel. Beyond the border
of an image that is cut, its mirror image is seen.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.inference.choices import TILE_OF_LARGE

Weights = NDArray[np.float32]
_TILE = 2048
_LARGE = 2**27  # pixels
_NEARLY_LEAST = 1.01  # times the fewest pixels: among such plans, the one with the lowest tiles needs the least memory


@dataclass(frozen=True)
class Axis:
    """The tiles along one axis of an image.

    Attributes:
        length: of the image, in pixels.
        size: of each tile except the last one, which may be smaller.
        shared: pixels that neighboring tiles have in common.
        count: number of tiles.
        border: least number of pixels beyond each end of the image that tiles cover; 0 for a single tile.
        unit: divides every first pixel and every size, unless there is a single tile.
    """

    length: int
    size: int
    shared: int
    count: int
    border: int
    unit: int

    def span(self, index: int) -> tuple[int, int]:
        """First pixel of a tile, and the one after its last; both may lie outside the image."""
        start = index * (self.size - self.shared) - self.border
        if index < self.count - 1 or self.count == 1:
            return start, start + self.size
        return start, start + _up_to_multiple(self.length + self.border - start, self.unit)

    @property
    def seen(self) -> int:
        """Number of pixels of all tiles together."""
        first, beyond = self.span(self.count - 1)
        return (self.count - 1) * self.size + beyond - first

    def used(self, index: int) -> tuple[int, int]:
        """First pixel of the image at which a tile has a weight, and the one after the last."""
        first, beyond = self.span(index)
        outer = self.shared // 4
        return (
            first + outer if index else 0,
            min(beyond - outer, self.length) if index < self.count - 1 else self.length,
        )

    def ramps(self, index: int) -> Iterator[tuple[slice, Weights]]:
        """Slices, relative to the first used pixel, where the weight of a tile is not 1, and the weights there."""
        first, beyond = self.used(index)
        wide = self.shared // 2
        rising = (0.5 - 0.5 * np.cos(np.pi * (np.arange(wide) + 0.5) / max(1, wide))).astype(np.float32)
        if index:
            yield slice(0, min(wide, beyond - first)), rising[: beyond - first]
        if index < self.count - 1:
            begin = self.used(index + 1)[0]
            yield slice(begin - first, beyond - first), 1 - rising[: beyond - begin]

    def finished(self, index: int) -> int:
        """The pixel before which no later tile has a weight."""
        return self.length if index == self.count - 1 else self.used(index + 1)[0]


def default_tile(shape: tuple[int, int]) -> int:
    """The default `tile` for an image (h, w): smaller if whole rows of tiles need much memory."""
    return _TILE if shape[0] * shape[1] <= _LARGE else TILE_OF_LARGE


def plan_tiles(shape: tuple[int, int], tile: int, overlap: int, unit: int) -> tuple[Axis, Axis]:
    """The tiles, down and to the right, that cover an image with the fewest pixels.

    An image of at most `tile` x `tile` pixels is one tile. Otherwise a tile has about that many pixels, and sides from
    half to twice `tile`; a shorter side of the image is not cut. A side that is not cut has no overlap and is not
    mirrored, so strips as wide as the image are often the least work.

    Args:
        shape: of the image, (h, w).
        tile: a tile has at most the area of a square with this side, in pixels; more if it is less than six `unit`s or
            `overlap` is near half of it.
        overlap: least number of pixels that neighbors share, less than half of `tile`.
        unit: divides every first pixel and every size of a cut side, so that a network pools the same pixels together
            in a tile as in the whole image.
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
    """Ways to cut a side into one, two, ... tiles, each from `least` to `area` long."""
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
        image: numpy array, memory map, Zarr array or the like; only the necessary part is read.
        rows: the first, and the one after the last; both may lie outside the image.
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
