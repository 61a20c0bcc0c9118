"""The sizes of the pixels of images in one unit of length."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.units import meters_of
from unetzoo.data.formats.grid import Grid

_IN_PLANE = ("y", "x")


def pixel_sizes(grids: Sequence[Grid], unit: str = "") -> tuple[NDArray[np.float64], str]:
    """Height and width of a pixel of each image (n, 2), and their unit; empty: not all files say it.

    Args:
        grids: of the images.
        unit: of length, to convert into; empty: that of the first image.
    """
    axes = [[axis for axis in grid.axes if axis.name in _IN_PLANE and axis.step] for grid in grids]
    if not axes or any(len(pair) != len(_IN_PLANE) for pair in axes):
        return np.zeros((0, 2)), ""
    unit = unit or axes[0][0].unit
    meters = [[meters_of(axis.unit) for axis in pair] for pair in axes]
    whole = meters_of(unit)
    if whole is None or any(each is None for pair in meters for each in pair):
        return np.zeros((0, 2)), ""
    steps = np.array([[axis.step for axis in pair] for pair in axes], np.float64)
    return steps * (np.array(meters, np.float64) / whole), unit


def mixed_units(grids: Sequence[Grid]) -> tuple[str, ...]:
    """The units in which pixel sizes are stated, if they cannot be compared, such as degrees and meters; else empty."""
    axes = [axis for grid in grids for axis in grid.axes if axis.name in _IN_PLANE and axis.step]
    units = sorted({axis.unit for axis in axes if axis.unit})
    return tuple(units) if len(units) > 1 and None in map(meters_of, units) else ()
