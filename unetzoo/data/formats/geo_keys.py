"""Where an image lies on the ground by the tags of GeoTIFF (OGC 19-008r4), as far as they say it without a database."""

import math
import re
from collections.abc import Mapping
from typing import Any

from unetzoo.data.formats.grid import NO_GRID, Grid, grid_of_transform, transform_of

_SCALE, _TIE_POINTS, _MATRIX, _DIRECTORY = 33550, 33922, 34264, 34735
_MODEL, _RASTER, _GEOGRAPHIC, _PROJECTED, _LINEAR_UNIT = 1024, 1025, 2048, 3072, 3076
_IS_PROJECTED, _IS_GEOGRAPHIC = 1, 2
_IS_AREA, _IS_POINT = 1, 2
_CODES = range(1024, 32_767)  # of EPSG; above them of users
_UNITS = {9001: "m", 9002: "ft", 9003: "ftUS"}

Numbers = tuple[float, ...]


def ground_grid(tags: Mapping[int, Any]) -> Grid:
    """The grid of an image by its tags 33550, 33922, 34264 and 34735, each numbers; without a place if these lack."""
    keys = _directory(tags.get(_DIRECTORY, ()))
    is_geographic = keys.get(_MODEL) == _IS_GEOGRAPHIC
    code = keys.get(_GEOGRAPHIC if is_geographic else _PROJECTED, 0)
    crs = f"EPSG:{code}" if code in _CODES else ""
    transform = _transform(tags)
    if transform is None:
        return Grid(crs=crs) if crs else NO_GRID
    if keys.get(_RASTER) == _IS_POINT:  # the numbers are those of the middle of a pixel
        a, b, c, d, e, f = transform
        transform = (a, b, c - (a + b) / 2, d, e, f - (d + e) / 2)
    unit = "degree" if is_geographic else _UNITS.get(keys.get(_LINEAR_UNIT, 0), "")
    return grid_of_transform(transform, unit=unit, crs=crs)


def _transform(tags: Mapping[int, Any]) -> Numbers | None:
    """The six numbers of `grid_of_transform`; None if there are none, or they are those of ground control points."""
    scale, ties, matrix = (tags.get(code, ()) for code in (_SCALE, _TIE_POINTS, _MATRIX))
    if not all(map(math.isfinite, (*scale, *ties, *matrix))):
        return None
    if len(matrix) == 16:
        return (matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7])
    if len(scale) < 2 or len(ties) != 6 or not (scale[0] and scale[1]):
        return None
    column, row, _, x, y, _ = ties
    return (scale[0], 0.0, x - column * scale[0], 0.0, -scale[1], y + row * scale[1])


def _directory(numbers: Numbers) -> dict[int, int]:
    """The keys whose value is a short integer of its own."""
    entries = [numbers[start : start + 4] for start in range(4, len(numbers) - 3, 4)]
    return {int(key): int(value) for key, location, _, value in entries if location == 0}


def ground_tags(grid: Grid) -> dict[int, Numbers]:
    """Tags of a grid whose coordinate system has a code of EPSG; empty: it has none, or no place.

    A coordinate system is geographic if its unit is the degree.
    """
    code = int(grid.crs.removeprefix("EPSG:")) if re.fullmatch(r"EPSG:\d{4,5}", grid.crs) else 0
    if code not in _CODES or len(grid.affine) != len(("x", "y")):
        return {}
    is_geographic = bool(grid.axes) and grid.axes[0].unit == "degree"
    kind = (_MODEL, 0, 1, _IS_GEOGRAPHIC if is_geographic else _IS_PROJECTED)
    directory = (1, 1, 0, 3, *kind, _RASTER, 0, 1, _IS_AREA, _GEOGRAPHIC if is_geographic else _PROJECTED, 0, 1, code)
    a, b, c, d, e, f = transform_of(grid)
    if b == d == 0 and a > 0 > e:
        place = {_SCALE: (a, -e, 0.0), _TIE_POINTS: (0.0, 0.0, 0.0, c, f, 0.0)}
    else:
        place = {_MATRIX: (a, b, 0.0, c, d, e, 0.0, f, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)}
    return {**place, _DIRECTORY: directory}
