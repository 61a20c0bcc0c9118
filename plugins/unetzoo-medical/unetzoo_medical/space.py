"""Where voxels lie in the body: one coordinate system for all formats of this plugin.

Arrays are (z, y, x) with channels last: slices, rows, columns. The affine of a `Grid` maps (slice, row, column) to
millimeters, or the file's own unit, toward the right, the front and the head of the patient ("RAS", as in NIfTI). Files
with another convention, such as DICOM's toward the left, the back and the head, are converted when they are opened.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, Grid
from unetzoo.data.formats import BODY, Axis, Key

RAS = BODY
"""The name of the coordinate system in `Grid.crs`."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""The matrix from DICOM's and ITK's coordinates to those of NIfTI, and back."""

_NAMES = ("z", "y", "x")
_THIN = 1e-6  # share of the volume of a box with the same steps, below which the axes of an affine lie in one plane


def body_grid(affine: NDArray[Any], *, name: str, unit: str = "mm", keys: Sequence[Key] = ()) -> Grid:
    """The grid of a volume whose file says where it lies.

    Args:
        affine: (4, 4), maps (column, row, slice, 1) to RAS.
        name: of the file, for errors.
        unit: of its numbers; empty: not stated.
        keys: as of `Grid`.

    Raises:
        DataError: it holds NaN, or its axes do not span a volume.
    """
    columns = affine[:3, :3]
    steps = np.linalg.norm(columns, axis=0)
    if not np.isfinite(affine).all() or abs(np.linalg.det(columns)) <= _THIN * steps.prod():
        raise DataError(
            f"{name}: its header places the voxels at no volume, by the matrix {columns.tolist()}; where three axes "
            "that differ and steps above 0 are expected; correct the header"
        )
    rows = affine[:3, [2, 1, 0, 3]].astype(float)
    return Grid(
        axes=tuple(Axis(axis, float(step), unit) for axis, step in zip(_NAMES, steps[::-1], strict=True)),
        affine=tuple(tuple(row) for row in rows.tolist()),
        crs=RAS,
        keys=tuple(keys),
    )


def steps_grid(steps: Sequence[float], *, unit: str = "", keys: Sequence[Key] = ()) -> Grid:
    """The grid of a volume of which the file states the steps along (x, y, z) alone; those not > 0 are left out."""
    stated = [float(step) if np.isfinite(step) and step > 0 else None for step in steps]
    axes = tuple(Axis(axis, step, unit) for axis, step in zip(_NAMES, stated[::-1], strict=True))
    return Grid(axes=axes, keys=tuple(keys))


def affine_of(grid: Grid) -> NDArray[Any] | None:
    """The matrix (4, 4) from (column, row, slice, 1) to RAS; None: the grid has none."""
    if grid.crs != RAS or len(grid.affine) != 3:
        return None
    affine = np.eye(4)
    affine[:3, [2, 1, 0, 3]] = grid.affine
    return affine


def steps_of(grid: Grid) -> tuple[float, float, float]:
    """The steps along (x, y, z), 1 where they are not stated."""
    steps = {axis.name: axis.step or 1.0 for axis in grid.axes}
    return steps.get("x", 1.0), steps.get("y", 1.0), steps.get("z", 1.0)
