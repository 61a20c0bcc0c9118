"""The sizes of the pixels of images in one unit of length."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.units import meters_of
from unetzoo.checks import number, plain
from unetzoo.data.formats.grid import Grid
from unetzoo.errors import OptionError

SAME = 1.1
"""Ratio of sizes of pixels, up to which they are taken for the same."""
MOST = 16.0
"""Ratio from which a unit is probably wrong."""
_IN_PLANE = ("y", "x")


def pixel_sizes(
    grids: Sequence[Grid], unit: str = "", *, axes: Sequence[str] = _IN_PLANE
) -> tuple[NDArray[np.float64], str]:
    """Height and width of a pixel of each image (n, 2), and their unit; empty: not all files say it.

    Args:
        grids: of the images.
        unit: of length, to convert into; empty: that of the first image.
        axes: of space, by name, in their order in grids; those of volumes have three.
    """
    along = [[axis for axis in grid.axes if axis.name in axes and axis.step] for grid in grids]
    if not along or any(len(steps) != len(axes) for steps in along):
        return np.zeros((0, len(axes))), ""
    unit = unit or along[0][0].unit
    meters = [[meters_of(axis.unit) for axis in each] for each in along]
    whole = meters_of(unit)
    if whole is None or any(each is None for steps in meters for each in steps):
        return np.zeros((0, len(axes))), ""
    steps = np.array([[axis.step for axis in each] for each in along], np.float64)
    return steps * (np.array(meters, np.float64) / whole), unit


def check_spacing(spacing: object, axes: Sequence[str] = ()) -> tuple[float, ...]:
    """Distances between pixels, one for each axis, or none; without `axes` those of images or of volumes.

    Raises:
        OptionError: they are not so many positive numbers.
    """
    values = plain(spacing)
    numbers = [number(each) for each in values] if isinstance(values, list | tuple) else [None]
    sound = tuple(float(each) for each in numbers if each is not None and 0 < each < np.inf)
    if len(sound) != len(numbers) or len(sound) not in (0, *((len(axes),) if axes else (2, 3))):
        what = f"{len(axes)} numbers > 0, along {', '.join(axes)}" if axes else "2 or 3 numbers > 0, along (z,) y, x"
        raise OptionError(f"spacing must be {what}; got {spacing!r}")
    return sound


def differ(ratios: NDArray[np.float64]) -> bool:
    """Whether pixels have another size than others along an axis, by the ratios of their steps."""
    return bool((np.maximum(ratios, 1 / ratios) > SAME).any())


def size_at(size: Sequence[int], ratios: NDArray[np.float64]) -> tuple[int, ...]:
    """The size of an image in pixels of another size, by the ratio of its steps to those along each axis."""
    return tuple(max(1, round(length * ratio)) for length, ratio in zip(size, ratios.tolist(), strict=True))


def mixed_units(grids: Sequence[Grid]) -> tuple[str, ...]:
    """The units in which pixel sizes are stated, if they cannot be compared, such as degrees and meters; else empty."""
    axes = [axis for grid in grids for axis in grid.axes if axis.name in _IN_PLANE and axis.step]
    units = sorted({axis.unit for axis in axes if axis.unit})
    return tuple(units) if len(units) > 1 and None in map(meters_of, units) else ()
