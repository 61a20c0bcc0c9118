"""The pyramid of features between an encoder and a decoder, over two axes (images) or three (volumes)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from unetzoo.checks import plain
from unetzoo.errors import ShapeError

Factor: TypeAlias = int | tuple[int, ...]
"""A whole number for all axes, or one for each axis where they differ, such as `(1, 2, 2)`."""


def along_axes(factor: Factor, axes: int) -> tuple[int, ...]:
    """The factor along each of so many axes."""
    return (factor,) * axes if isinstance(factor, int) else factor


def as_factor(numbers: tuple[int, ...]) -> Factor:
    """The factor with these numbers along the axes: a single number if they are equal."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


def quotient(deep: tuple[int, ...], shallow: tuple[int, ...]) -> Factor:
    """The factor between two reductions, each with a number for each axis."""
    return as_factor(tuple(large // small for large, small in zip(deep, shallow, strict=True)))


@dataclass(frozen=True)
class FeatureInfo:
    """The pyramid of features between an encoder and a decoder, shallow level first.

    Attributes:
        channels: channels of each level.
        reductions: input pixels per feature pixel of each level, along each axis; each is a multiple of the previous
            one, and equal to it only if a dilated backbone or a plain ViT keeps the resolution. Where axes differ, the
            largest.
        axis_reductions: the reductions along each axis of each level, such as `(1, 2, 2)` for (depth, height, width);
            empty: `reductions` along height and width.

    Raises:
        ShapeError: the lengths differ, or a reduction is not a multiple of the previous one.
    """

    channels: tuple[int, ...]
    reductions: tuple[int, ...]
    axis_reductions: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        for name in ("channels", "reductions"):
            object.__setattr__(self, name, tuple(plain(getattr(self, name))))
        by_axis = tuple(map(tuple, plain(self.axis_reductions))) or tuple((number,) * 2 for number in self.reductions)
        object.__setattr__(self, "axis_reductions", by_axis)
        if not self.channels or len(self.channels) != len(self.reductions):
            raise ShapeError(f"a pyramid needs one reduction for each level's channels, got {self}")
        numbers = (*self.channels, *self.reductions, *(number for level in by_axis for number in level))
        if not all(isinstance(number, int) and number >= 1 for number in numbers):
            raise ShapeError(f"channels and reductions must be whole numbers >= 1, got {self}")
        if len({len(level) for level in by_axis}) > 1 or self.reductions != tuple(map(max, by_axis)):
            raise ShapeError(f"axis_reductions need one number for each axis, the reduction the largest, got {self}")
        steps = (zip(deep, shallow, strict=True) for shallow, deep in pairwise(by_axis))
        if any(deep % shallow for step in steps for deep, shallow in step):
            levels = tuple(map(as_factor, by_axis))
            raise ShapeError(f"reductions must grow by whole factors from level to level, got {levels}")

    @classmethod
    def by_axis(cls, channels: Sequence[int], reductions: Sequence[tuple[int, ...]]) -> "FeatureInfo":
        """The pyramid with these channels, and these reductions along each axis, of each level."""
        return cls(tuple(channels), tuple(map(max, reductions)), tuple(reductions))

    @property
    def spatial_dims(self) -> int:
        """Number of axes of a map beside batch and channels: 2 for images, 3 for volumes."""
        return len(self.axis_reductions[0])

    def __len__(self) -> int:
        """Number of levels."""
        return len(self.channels)

    def __repr__(self) -> str:
        """Without the reductions along each axis where they say nothing more."""
        by_axis = ", ".join(str(level) for level in self.axis_reductions)
        is_plain = self.axis_reductions == tuple((number,) * 2 for number in self.reductions)
        more = "" if is_plain else f", axis_reductions=({by_axis})"
        return f"FeatureInfo(channels={self.channels}, reductions={self.reductions}{more})"
