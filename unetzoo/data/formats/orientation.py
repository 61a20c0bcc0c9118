"""How the axes of a volume lie: slices look the same whatever the order of the axes in a file.

A volume has three directions: `z`, whose slices are axial, from head to feet; `y`, coronal, from front to back; and
`x`, sagittal, from right to left. A volume whose file says nothing of a body has its own axes as directions: slices,
rows and columns. A slice has the other two directions as rows and columns, so that axial slices show the front at the
top and the patient's right at the left, and the others the head at the top, as viewers do.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.grid import BODY, Axis, Grid

AXES = ("z", "y", "x")
"""The names of the directions."""
PLANES = ("axial", "coronal", "sagittal")
"""Other names of them: those of the slices across them."""
_WORLD = (2, 1, 0)  # the axis of the body that each direction follows, the other way round
_NO_UNIT = "units of the file"
_EQUAL = 1.01  # ratio of steps that count as equal


@dataclass(frozen=True)
class Orientation:
    """How the axes of an array (d, h, w) lie.

    Attributes:
        order: the axis of the array that follows each direction.
        flips: whether it runs against the direction.
        steps: the distance of neighbors along each direction; 1 if it is not stated.
        unit: of these distances; empty: none are stated.
    """

    order: tuple[int, ...] = (0, 1, 2)
    flips: tuple[bool, ...] = (False, False, False)
    steps: tuple[float, ...] = (1.0, 1.0, 1.0)
    unit: str = ""

    def turned(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array (d, h, w, ...) along the three directions, a view."""
        rest = range(3, array.ndim)
        flipped = tuple(number for number, is_flipped in enumerate(self.flips) if is_flipped)
        return np.flip(array.transpose(*self.order, *rest), flipped)

    @property
    def thickest(self) -> int:
        """The number of the direction with the largest step; of nearly equal ones the first."""
        return next(number for number, step in enumerate(self.steps) if step * _EQUAL >= max(self.steps))


def orientation_of(grid: Grid) -> Orientation:
    """How a volume lies by its grid; steps count only if all three are stated, since they are compared."""
    stated = {axis.name: axis.step for axis in grid.axes}
    steps = [stated.get(name) for name in AXES]
    if None in steps or not all(steps):
        return Orientation()
    lengths = np.array(steps, float)
    unit = grid.axes[0].unit or _NO_UNIT
    if grid.crs != BODY or len(grid.affine) != 3:
        return Orientation(steps=tuple(lengths.tolist()), unit=unit)
    directions = np.array(grid.affine)[:, :3] / lengths
    order = max(permutations(range(3)), key=lambda axes: abs(directions[_WORLD, axes]).sum())
    flips = (directions[_WORLD, order] > 0).tolist()
    return Orientation(tuple(order), tuple(flips), tuple(lengths[list(order)].tolist()), unit)


def grid_of_slice(grid: Grid, direction: int) -> Grid:
    """The grid of the slices of a volume across a direction, a number of `AXES`: steps of rows and columns."""
    orientation = orientation_of(grid)
    axes = tuple(axis for axis in grid.axes if axis.name != "z") if direction == 0 else ()
    if orientation.unit:
        unit = "" if orientation.unit == _NO_UNIT else orientation.unit
        along = (step for other, step in enumerate(orientation.steps) if other != direction)
        axes = tuple(Axis(name, step, unit) for name, step in zip(("y", "x"), along, strict=True))
    return Grid(axes=axes, nodata=grid.nodata, bands=grid.bands)
