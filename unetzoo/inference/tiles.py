"""Cut a large image, or volume, into tiles (the overlap-tile strategy of arXiv:1505.04597).

Neighboring tiles share an overlap. In its outer quarters, where a tile lacks context, it has no weight; between them
the weight passes smoothly from one tile to the other, so that all weights add up to 1 at every pixel. Beyond the border
of an image that is cut, its mirror image is seen.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.features import Factor, along_axes
from unetzoo.inference.choices import TILE_OF_LARGE, TILES

Weights = NDArray[np.float32]
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


def default_tile(shape: Sequence[int]) -> int:
    """The default `tile` for a volume, or an image (h, w): smaller if whole rows of tiles need much memory."""
    is_large = len(shape) == 2 and prod(shape) > _LARGE
    return TILE_OF_LARGE if is_large else TILES[len(shape)]


def plan_tiles(shape: Sequence[int], tile: int, overlap: int, unit: Factor) -> tuple[Axis, ...]:
    """The tiles along each axis, down and to the right, that cover an image or a volume with the fewest pixels.

    An image of at most `tile` x `tile` pixels is one tile, and so is a volume of as many voxels as a cube. Otherwise a
    tile has about that many, and sides from half to twice `tile`, in a volume up to four times; a shorter side of the
    image is not cut. A side that is not cut has no overlap and is not mirrored, so strips as wide as the image are
    often the least work.

    Args:
        shape: of the image, (h, w), or of the volume, (d, h, w).
        tile: a tile has at most the area of a square with this side, in pixels; more if it is less than six `unit`s or
            `overlap` is near half of it.
        overlap: least number of pixels that neighbors share, less than half of `tile`.
        unit: divides every first pixel and every size of a cut side, so that a network pools the same pixels together
            in a tile as in the whole image; even, and may differ by axis.
    """
    units = along_axes(unit, len(shape))
    if prod(shape) <= tile ** len(shape):
        return tuple(Axis(length, length, 0, 1, 0, own) for length, own in zip(shape, units, strict=True))
    shares = [_up_to_multiple(overlap, 2 * own) for own in units]
    least = [
        max(own, tile // 2 // own * own, shared + _up_to_multiple(max(1, shared // 2), own))
        for shared, own in zip(shares, units, strict=True)
    ]
    area = max(tile ** len(shape), 2 * prod(least) if max(least) > tile // 2 else 0)
    shortest = [min(pair) for pair in zip(least, shape, strict=True)]
    most = [area // (prod(shortest) // own) for own in shortest]
    *downs, rights = (list(_cuts(*each)) for each in zip(shape, shares, least, most, units, strict=True))
    sizes = [-axis.size for axis in rights]
    plans = []
    for down in product(*downs):
        fits = bisect_left(sizes, -(area // prod(axis.size for axis in down)))
        if fits < len(rights):
            plans.append((*down, rights[fits]))
    fewest = min(map(_seen, plans))
    good = [plan for plan in plans if _seen(plan) <= _NEARLY_LEAST * fewest]
    return min(good, key=lambda plan: plan[0].size)


def _seen(plan: Sequence[Axis]) -> int:
    """Number of pixels of all tiles together."""
    return prod(axis.seen for axis in plan)


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


def read_mirrored(image: Any, *spans: tuple[int, int]) -> NDArray[Any]:  # noqa: ANN401 - whatever can be sliced
    """The pixels [start, end) along each axis of an image (h, w, ...) or a volume, mirrored beyond its borders.

    Args:
        image: numpy array, memory map, Zarr array or the like; only the necessary part is read.
        spans: of each axis the first pixel, and the one after the last; both may lie outside the image.
    """
    places = [_mirrored(span, length) for span, length in zip(spans, image.shape, strict=False)]
    block: NDArray[Any] = np.asanyarray(image[tuple(slice(each.min(), each.max() + 1) for each in places)])
    for axis, indices in enumerate(places):
        indices = indices - indices.min()
        if len(indices) != block.shape[axis] or (np.diff(indices) != 1).any():
            block = block.take(indices, axis)
    return block


def _mirrored(span: tuple[int, int], length: int) -> NDArray[np.intp]:
    """The indices of a span, reflected at the first and the last pixel as often as needed."""
    period = max(1, 2 * (length - 1))
    indices = np.abs(np.arange(*span)) % period
    return np.where(indices < length, indices, period - indices)
