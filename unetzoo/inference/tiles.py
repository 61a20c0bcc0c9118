"""Cut a large image into tiles, and blend what is predicted of them (the overlap-tile strategy of arXiv:1505.04597).

Neighbouring tiles share an overlap. In its outer quarters, where a tile lacks context, it has no weight; between them
the weight passes smoothly from one tile to the other, so that all weights add up to 1 at every pixel. Beyond the border
of the image its mirror image is seen.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """The tiles along one axis of an image.

    Attributes:
        length: of the image, in pixels.
        size: of each tile.
        step: from one tile to the next.
        count: of tiles.
    """

    length: int
    size: int
    step: int
    count: int

    @property
    def starts(self) -> list[int]:
        """The first pixel of each tile, negative where it begins beyond the border."""
        margin = (self.size - self.step) // 2 if self.count > 1 else 0
        return [index * self.step - margin for index in range(self.count)]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first pixel of each tile, and one beyond its last."""
        return [(start, start + self.size) for start in self.starts]

    def weights(self, index: int) -> Weights:
        """The weight of each pixel of a tile, (size,)."""
        pixels = np.arange(self.size) + self.starts[index] + 0.5
        ramp = max(1, (self.size - self.step) // 2)
        left = _rising((pixels - index * self.step) / ramp) if index else np.ones(self.size)
        last = index == self.count - 1
        right = np.ones(self.size) if last else 1 - _rising((pixels - (index + 1) * self.step) / ramp)
        weights: Weights = (left * right).astype(np.float32)
        return weights

    def finished(self, index: int) -> int:
        """Up to which pixel no later tile than that of this index has a weight."""
        if index == self.count - 1:
            return self.length
        ramp = max(1, (self.size - self.step) // 2)
        return max(0, (index + 1) * self.step - ramp // 2 - 1)


def plan_axis(length: int, tile: int, overlap: int, unit: int) -> Axis:
    """Tiles of one size, at most about `tile`, that share at least `overlap` pixels; one where the image is no longer.

    Args:
        length: of the image.
        tile: wanted size.
        overlap: of neighbours, less than half of `tile`.
        unit: of which every first pixel and every size is a multiple, unless there is but one tile: what a network
            pools together in the whole image, it then pools together in a tile.
    """
    if length <= tile:
        return Axis(length, length, length, 1)
    shared = _up_to_multiple(overlap, 2 * unit)
    longest = max(unit, tile - tile % unit - shared)
    even = -(-length // -(-length // longest))
    step = _up_to_multiple(max(even, shared // 2), unit)  # a ramp ends before the next begins
    return Axis(length, step + shared, step, -(-length // step))


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
    block = np.asarray(image[down.min() : down.max() + 1, right.min() : right.max() + 1])
    return block[np.ix_(down - down.min(), right - right.min())]


def _mirrored(span: tuple[int, int], length: int) -> NDArray[np.intp]:
    """The indices of a span, reflected at the first and the last pixel as often as needed."""
    period = max(1, 2 * (length - 1))
    indices = np.abs(np.arange(*span)) % period
    return np.where(indices < length, indices, period - indices)


def _rising(where: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 at -1/2 to 1 at 1/2, smoothly."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(where + 0.5, 0, 1))
