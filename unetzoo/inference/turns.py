"""Turn images by the symmetries of the square, and volumes also along their depth; turn results back."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unetzoo.objects.coding import ObjectMap, ray_order, slices_of


class Turn(NamedTuple):
    """A symmetry of the square: quarter turns, as those of `torch.rot90`, then a mirror from left to right.

    With `depth` the order of the slices of a volume is reversed, too.
    """

    quarters: int = 0
    mirror: bool = False
    depth: bool = False

    @property
    def back(self) -> "Turn":
        """What undoes it; a mirror image is its own."""
        return self if self.mirror else self._replace(quarters=-self.quarters % 4)


_TWO = (Turn(0), Turn(0, mirror=True))
_FOUR = (Turn(0), Turn(2, mirror=True), Turn(0, mirror=True), Turn(2))
TURNS: dict[int, dict[int, tuple[Turn, ...]]] = {
    2: {
        1: _TWO[:1],
        2: _TWO,
        4: _FOUR,
        8: (*_FOUR, Turn(1), Turn(1, mirror=True), Turn(3), Turn(3, mirror=True)),
    },
    3: {1: _TWO[:1], 2: _TWO, 8: (*_FOUR, *(turn._replace(depth=True) for turn in _FOUR))},
}
"""The symmetries over which a prediction is averaged, by the number of axes and `mirrors`.

Two are the image and its mirror image from left to right, along the last axis. Volumes are mirrored along each axis by
eight; quarter turns would need voxels as long as wide.
"""


def turned(values: Tensor, turn: Turn, maps: Sequence[ObjectMap] = ()) -> Tensor:
    """The values (..., h, w) of an image that is turned; vectors and rays (b, c, h, w) turn, too."""
    if turn == Turn():
        return values
    quarters, mirror, depth = turn
    values = values.rot90(quarters, (-2, -1)).contiguous() if quarters else values
    values = values.flip(-1) if mirror else values
    values = values.flip(-3) if depth else values
    for item, place in zip(maps, slices_of(maps), strict=True):
        if item.vector:
            values[:, place] = _turned_vectors(values[:, place], turn)
        if item.rays:
            order = ray_order(len(item.channels), quarters, mirror=mirror)
            values[:, place] = values[:, place][:, order.tolist()]
    return values


def _turned_vectors(vectors: Tensor, turn: Turn) -> Tensor:
    down, right = vectors.unbind(1)
    for _ in range(turn.quarters % 4):
        down, right = -right, down
    return torch.stack([down, -right if turn.mirror else right], 1)
