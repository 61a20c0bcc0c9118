"""Slices of a volume as viewers show them, whatever the order of the axes in the file.

The three directions of a volume are numbered as in `PLANES`: from head to feet, whose slices are axial; from front to
back, coronal; from right to left, sagittal. A slice has the other two as rows and columns, so that axial slices show
the front at the top and the patient's right at the left, and the others the head at the top.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, Grid, Raster
from unetzoo_medical.space import affine_of, body_grid, steps_grid

PLANES = ("axial", "coronal", "sagittal")
_WORLD = (2, 1, 0)  # the axis of RAS that each direction follows, the other way round
_EQUAL = 1.01  # ratio of steps that count as equal


@dataclass(frozen=True)
class Orientation:
    """How the axes of an array (z, y, x) lie in the body.

    Attributes:
        order: the axis of the array that follows each direction.
        flips: whether it runs against the direction.
        steps: along each direction; 1 if it is not stated.
    """

    order: tuple[int, ...] = (0, 1, 2)
    flips: tuple[bool, ...] = (False, False, False)
    steps: tuple[float, ...] = (1.0, 1.0, 1.0)

    def turned(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array (z, y, x, ...) along the three directions, a view."""
        rest = range(3, array.ndim)
        flipped = tuple(number for number, is_flipped in enumerate(self.flips) if is_flipped)
        return np.flip(array.transpose(*self.order, *rest), flipped)

    def thickest(self) -> int:
        """The number of the direction with the largest step; of nearly equal ones the first."""
        return next(number for number, step in enumerate(self.steps) if step * _EQUAL >= max(self.steps))


def orientation_of(grid: Grid) -> Orientation:
    """How a volume lies by its grid; without a place the axes of the array are taken for the directions."""
    steps = [axis.step or 1.0 for axis in grid.axes] if len(grid.axes) == 3 else [1.0] * 3
    if affine_of(grid) is None:
        return Orientation(steps=tuple(steps))
    directions = np.array(grid.affine)[:, :3] / steps
    order = max(permutations(range(3)), key=lambda axes: abs(directions[_WORLD, axes]).sum())
    flips = (directions[_WORLD, order] > 0).tolist()
    return Orientation(tuple(order), tuple(flips), tuple(steps[axis] for axis in order))


class Slices:
    """The slices of a volume along a direction.

    Args:
        raster: the volume.
        plane: number of the direction in `PLANES`; None: that with the largest step.
        neighbors: number of slices, odd, that are the channels of one: itself between those before and after it.
    """

    def __init__(self, raster: Raster, plane: int | None = None, *, neighbors: int = 1) -> None:
        self.raster = raster
        self.orientation = orientation_of(raster.grid)
        self.plane = self.orientation.thickest() if plane is None else plane
        self.neighbors = neighbors

    def __len__(self) -> int:
        return self.raster.shape[self._axis]

    def __getitem__(self, number: int) -> NDArray[Any]:
        """A slice (h, w, c), the channels of each neighbor together; beyond the ends the last one repeats."""
        reach = self.neighbors // 2
        numbers = np.clip(np.arange(number - reach, number + reach + 1), 0, len(self) - 1)
        return np.concatenate([self._slice(int(each)) for each in numbers], axis=-1)

    @property
    def _axis(self) -> int:
        return self.orientation.order[self.plane]

    def _slice(self, number: int) -> NDArray[Any]:
        place = len(self) - 1 - number if self.orientation.flips[self.plane] else number
        window = [slice(0, length) for length in self.raster.shape[:3]]
        window[self._axis] = slice(place, place + 1)
        block = self.orientation.turned(self.raster.read(tuple(window)))
        plane: NDArray[Any] = block.take(0, axis=self.plane)
        return plane

    def grid(self, number: int) -> Grid:
        """Where a slice lies, as a volume of one slice."""
        steps = self.orientation.steps
        rows, columns = (axis for axis in range(3) if axis != self.plane)
        affine = affine_of(self.raster.grid)
        unit = self.raster.grid.axes[0].unit if self.raster.grid.axes else ""
        if affine is None:
            return steps_grid([steps[columns], steps[rows], steps[self.plane]], unit=unit)
        turned = self._directions(affine)
        start = np.eye(4)
        start[:3, :3] = turned[:3, [columns, rows, self.plane]]
        start[:3, 3] = turned[:3, 3] + number * turned[:3, self.plane]
        return body_grid(start, name="slice", unit=unit)

    def _directions(self, affine: NDArray[Any]) -> NDArray[Any]:
        """The matrix (4, 4) from the numbers along the three directions, and 1, to RAS."""
        turned = np.eye(4)
        turned[:3, 3] = affine[:3, 3]
        for number, (axis, is_flipped) in enumerate(zip(self.orientation.order, self.orientation.flips, strict=True)):
            column = affine[:3, 2 - axis]
            turned[:3, number] = -column if is_flipped else column
            turned[:3, 3] += column * (self.raster.shape[axis] - 1) * is_flipped
        return turned


def check_same_grid(image: Raster, mask: Raster, names: tuple[str, str]) -> None:
    """Raise DataError unless a mask has the voxels of its image, up to a thousandth of a step.

    Args:
        image: of a case.
        mask: of the same.
        names: of both, for the error.
    """
    if image.shape[:3] != mask.shape[:3]:
        raise DataError(
            f"{names[1]} has {mask.shape[:3]} voxels (z, y, x), but its image {names[0]} has {image.shape[:3]}; "
            "resample one to the other"
        )
    affines = affine_of(image.grid), affine_of(mask.grid)
    if affines[0] is None or affines[1] is None:
        return
    steps = np.linalg.norm(affines[0][:3, :3], axis=0)
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * [*image.shape[2::-1], 1]
    apart = float(np.linalg.norm((affines[0] - affines[1]) @ corners.T, axis=0).max())
    if apart > 1e-3 * steps.min():
        raise DataError(
            f"{names[1]} lies up to {apart:.4g} {image.grid.axes[0].unit or 'units'} away from its image {names[0]} by "
            "their headers, where 0 are expected; copy the header of the image, or resample the mask"
        )
