"""Kernels and strides of an encoder's levels, which may differ by axis: 1 x 3 x 3 and 1 x 2 x 2 for thick slices."""

from collections.abc import Sequence
from itertools import accumulate

from unetzoo.checks import check_count, plain
from unetzoo.errors import OptionError

Sides = tuple[int, ...]
Levels = Sequence[int | Sequence[int]]
"""For each level a whole number, or one for each axis."""


def kernels_of(values: Levels | None, levels: int, axes: int) -> tuple[Sides, ...]:
    """The kernel of each level along each axis; None: 3 everywhere.

    Raises:
        OptionError: there is not one entry for each level, or a side is not odd.
    """
    kernels = _by_axis("kernel_sizes", (3,) * levels if values is None else values, levels, axes)
    if any(side % 2 == 0 for kernel in kernels for side in kernel):
        raise OptionError(f"kernel_sizes must be odd, got {values!r}")
    return kernels


def strides_of(values: Levels | None, levels: int, axes: int) -> tuple[Sides, ...]:
    """The factor by which each level is coarser than the one before, or than the image; None: 1, then 2.

    Raises:
        OptionError: there is not one entry for each level.
    """
    usual = (1, *(2,) * (levels - 1))
    return _by_axis("strides", usual if values is None else values, levels, axes)


def reductions_of(strides: Sequence[Sides]) -> list[Sides]:
    """The reduction of each level along each axis."""
    return list(accumulate(strides, lambda have, stride: tuple(a * b for a, b in zip(have, stride, strict=True))))


def _by_axis(option: str, values: Levels, levels: int, axes: int) -> tuple[Sides, ...]:
    entries = plain(values)
    if not isinstance(entries, list | tuple) or len(entries) != levels:
        raise OptionError(f"{option} need one entry for each of the {levels} levels, got {values!r}")
    return tuple(_sides(option, entry, axes) for entry in entries)


def _sides(option: str, entry: object, axes: int) -> Sides:
    numbers = entry if isinstance(entry, list | tuple) else (entry,) * axes
    if len(numbers) != axes:
        raise OptionError(f"each of {option} is a whole number, or one for each of the {axes} axes; got {entry!r}")
    return tuple(check_count(f"each of {option}", number) for number in numbers)
