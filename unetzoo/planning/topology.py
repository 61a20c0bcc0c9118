"""Levels of a U-Net for a patch: along which axes each one halves the map, and how far its kernels reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

Sides = tuple[int, ...]
_SMALLEST = 4  # side of a map
_ALIKE = 2  # spacings below this ratio


@dataclass(frozen=True)
class Topology:
    """The levels of a U-Net, shallow first.

    Attributes:
        strides: factor by which each level is coarser than the one before, along each axis; 1 of the first.
        kernels: sides of the kernels of each level, along each axis, 1 or 3.
        patch: sides of the patch, multiples of `divisors`.
    """

    strides: tuple[Sides, ...]
    kernels: tuple[Sides, ...]
    patch: Sides

    @property
    def divisors(self) -> Sides:
        """By how much the deepest level is coarser than the patch, along each axis."""
        return tuple(2 ** sum(stride == 2 for stride in axis) for axis in zip(*self.strides, strict=True))


def topology_of(patch: Sequence[float], spacing: Sequence[float]) -> Topology:
    """The levels for a patch, whose sides are enlarged to multiples of what the levels need.

    An axis is halved while its map has at least 8 pixels and its spacing is less than twice the smallest of such axes;
    a single axis only while it has 12. Kernels span 1 pixel along an axis until its spacing is less than twice the
    smallest of all, then 3; those of the deepest level are 3 wide.

    Args:
        patch: sides along each axis in pixels, > 0; they need not be whole.
        spacing: distance between pixels along each axis, > 0.
    """
    sizes, steps = list(patch), list(spacing)
    kernel = [1] * len(sizes)
    strides, kernels = [(1,) * len(sizes)], []
    while halved := _axes_to_halve(sizes, steps):
        kernel = [3 if step < _ALIKE * min(steps) else side for side, step in zip(kernel, steps, strict=True)]
        kernels.append(tuple(kernel))
        strides.append(tuple(2 if axis in halved else 1 for axis in range(len(sizes))))
        for axis in halved:
            sizes[axis], steps[axis] = ceil(sizes[axis] / 2), steps[axis] * 2
    kernels.append((3,) * len(sizes))
    topology = Topology(tuple(strides), tuple(kernels), ())
    padded = (ceil(side / divisor) * divisor for side, divisor in zip(patch, topology.divisors, strict=True))
    return Topology(topology.strides, topology.kernels, tuple(padded))


def _axes_to_halve(sizes: Sequence[float], steps: Sequence[float]) -> tuple[int, ...]:
    large = [axis for axis, size in enumerate(sizes) if size >= 2 * _SMALLEST]
    smallest = min((steps[axis] for axis in large), default=0)
    fine = tuple(axis for axis in large if steps[axis] / smallest < _ALIKE)
    return () if len(fine) == 1 and sizes[fine[0]] < 3 * _SMALLEST else fine
