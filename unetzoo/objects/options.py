"""Options that several codings share: their ranges, and the values that are tried when they are tuned."""

from collections.abc import Sequence

from unetzoo.checks import number
from unetzoo.errors import OptionError

BOTH = (2, 3)
"""Numbers of axes of a coding of images and volumes."""
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SIZES = (1, 5, 15, 40, 100)
"""Pixels of the smallest object."""


def check_threshold(option: str, value: object) -> None:
    """Raise OptionError unless the value is a number in (0, 1)."""
    threshold = number(value)
    if threshold is None or not 0 < threshold < 1:
        raise OptionError(f"{option} must be a number in (0, 1), got {value!r}")


def read_spacing(spacing: Sequence[float]) -> tuple[float, ...]:
    """The distances of neighboring voxels along three axes, or none; OptionError for others than positive numbers."""
    steps = [number(step) for step in spacing] if isinstance(spacing, Sequence) else [None]
    read = tuple(step for step in steps if step is not None and 0 < step < float("inf"))
    if len(read) != len(steps) or len(read) not in (0, 3):
        raise OptionError(
            f"spacing must be three numbers > 0, the distances of voxels along z, y and x, got {spacing!r}"
        )
    return read


def check_least(option: str, value: object, least: float) -> None:
    """Raise OptionError unless the value is a finite number >= `least`."""
    size = number(value)
    if size is None or not least <= size < float("inf"):
        raise OptionError(f"{option} must be a number >= {least:g}, got {value!r}")
