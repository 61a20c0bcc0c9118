"""From the scale and translation of OME-Zarr to a grid, and back."""

from collections.abc import Sequence

import numpy as np

from unetzoo import Grid
from unetzoo.data.formats import Axis
from unetzoo_bioimage.multiscales import Level, Multiscale

_UNITS = {
    "nanometer": "nm",
    "micrometer": "um",
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "kilometer": "km",
    "foot": "ft",
}
_SPELLINGS = {unit: name for name, unit in _UNITS.items()}


def grid_of(image: Multiscale, level: Level, order: Sequence[int], channels: int) -> Grid:
    """The grid of a level.

    It has an affine where the first pixel is not at 0, and the names of the channels where they are as many.

    Args:
        image: with the level.
        level: finer or coarser.
        order: numbers of the axes of space.
        channels: of the image.
    """
    steps = [level.scale[axis] if level.scale else None for axis in order]
    axes = tuple(
        Axis(image.axes[axis], step, _UNITS.get(image.units[axis], image.units[axis]))
        for axis, step in zip(order, steps, strict=True)
    )
    bands = image.channels if len(image.channels) == channels else ()
    shifts = [level.translation[axis] for axis in order]
    if not any(shifts):
        return Grid(axes=axes, bands=bands)
    matrix = np.column_stack([np.diag([step or 1.0 for step in steps]), shifts])[::-1]
    return Grid(axes=axes, affine=tuple(map(tuple, matrix.tolist())), bands=bands)


def axes_of(grid: Grid, letters: str) -> list[dict[str, str]]:
    """The axes of OME-Zarr for those of an array, such as `"cyx"`."""
    units = {axis.name: _SPELLINGS.get(axis.unit, axis.unit) for axis in grid.axes}
    return [
        {"name": letter, "type": "channel"}
        if letter == "c"
        else {"name": letter, "type": "space"} | ({"unit": units[letter]} if units.get(letter) else {})
        for letter in letters
    ]


def steps_of(grid: Grid, letters: str) -> list[float]:
    """The step along each axis of an array, 1 where it is not stated."""
    steps = {axis.name: axis.step for axis in grid.axes}
    return [steps.get(letter) or 1.0 for letter in letters]


def shifts_of(grid: Grid, letters: str) -> list[float]:
    """The place of the first pixel along each axis; empty: there is none, or axes are turned or mirrored."""
    space = [letter for letter in letters if letter != "c"]
    matrix = np.array(grid.affine)[::-1]
    if len(grid.affine) != len(space):
        return []
    if not np.allclose(matrix[:, :-1], np.diag(steps_of(grid, "".join(space))), rtol=1e-6, atol=0):
        return []
    shifts = dict(zip(space, matrix[:, -1].tolist(), strict=True))
    return [shifts.get(letter, 0.0) for letter in letters]
