"""Where an image lies on the ground by the tags of GeoTIFF (OGC 19-008r4), as far as they say it without a database."""

import math
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

from unetzoo.data.formats.grid import NO_GRID, Grid, grid_of_transform, transform_of

_SCALE, _TIE_POINTS, _MATRIX, _DIRECTORY, _TEXTS = 33550, 33922, 34264, 34735, 34737
_MODEL, _RASTER, _GEOGRAPHIC, _PROJECTED, _CITATION, _LINEAR_UNIT = 1024, 1025, 2048, 3072, 3073, 3076
_IS_PROJECTED, _IS_GEOGRAPHIC, _IS_OF_USER = 1, 2, 32_767
_IS_AREA, _IS_POINT = 1, 2
_CODES = range(1024, _IS_OF_USER)  # of EPSG; above them of users
_UNITS = {9001: "m", 9002: "ft", 9003: "ftUS"}
_OF_GROUND = ("", "degree", *_UNITS.values())
_WKT = "ESRI PE String = "  # begins a citation that is WKT, for GDAL and ArcGIS
_LONGEST_WKT = 2_300  # letters that GDAL reads
_IS_WKT = re.compile(r"(PROJ|GEOG|GEOD|GEOC|BOUND|COMPOUND|COMPD_|LOCAL_|VERT_|ENG)\w*\s*\[")

Numbers = tuple[float, ...]


def ground_grid(tags: Mapping[int, Any]) -> Grid:
    """The grid of an image by its tags 33550, 33922, 34264 and 34735, each numbers; without a place if these lack."""
    keys = _directory(tags.get(_DIRECTORY, ()))
    is_geographic = keys.get(_MODEL) == _IS_GEOGRAPHIC
    code = keys.get(_GEOGRAPHIC if is_geographic else _PROJECTED, 0)
    crs = f"EPSG:{code}" if code in _CODES else _wkt(str(tags.get(_TEXTS, ""))) if _MODEL in keys else ""
    transform = _transform(tags)
    if transform is None:
        return Grid(crs=crs) if crs else NO_GRID
    if keys.get(_RASTER) == _IS_POINT:  # the numbers are those of the middle of a pixel
        a, b, c, d, e, f = transform
        transform = (a, b, c - (a + b) / 2, d, e, f - (d + e) / 2)
    is_in_degrees = is_geographic or crs.startswith("GEOG")
    unit = "degree" if is_in_degrees else _UNITS.get(keys.get(_LINEAR_UNIT, 0), "")
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


def _wkt(texts: str) -> str:
    """The coordinate system in the citation of a file; empty: there is none."""
    wkt = texts.removeprefix(_WKT).partition("|")[0].strip()
    return wkt if texts.startswith(_WKT) and _IS_WKT.match(wkt) else ""


def is_on_ground(grid: Grid) -> bool:
    """Whether a grid is that of an image of the ground, whose place the tags of GeoTIFF say."""
    unit = grid.axes[-1].unit if grid.axes else ""
    return len(grid.affine) == len(("x", "y")) and (bool(grid.crs) or unit in _OF_GROUND)


def is_writable(crs: str) -> bool:
    """Whether tags can say which coordinate system it is: it has a code of EPSG, or WKT that is not too long."""
    return bool(_code(crs)) or (len(crs) <= _LONGEST_WKT and _IS_WKT.match(crs) is not None and _is_text(crs))


def ground_tags(grid: Grid) -> dict[int, Any]:
    """Tags of a grid on the ground, by their codes: its place, and its coordinate system if it is writable.

    A coordinate system of EPSG is geographic if its unit is the degree. WKT is written as GDAL and ArcGIS read it.
    """
    if not is_on_ground(grid):
        return {}
    a, b, c, d, e, f = transform_of(grid)
    place: dict[int, Any] = {_MATRIX: (a, b, 0.0, c, d, e, 0.0, f, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)}
    if b == d == 0 and a > 0 > e:
        place = {_SCALE: (a, -e, 0.0), _TIE_POINTS: (0.0, 0.0, 0.0, c, f, 0.0)}
    return {**place, **_system_tags(grid)} if is_writable(grid.crs) else place


def _system_tags(grid: Grid) -> dict[int, Any]:
    unit = grid.axes[-1].unit if grid.axes else ""
    is_geographic, code = unit == "degree", _code(grid.crs)
    text = "" if code else f"{_WKT}{grid.crs}|"
    keys = [(_RASTER, 0, 1, _IS_AREA)]
    if code:
        keys.append((_MODEL, 0, 1, _IS_GEOGRAPHIC if is_geographic else _IS_PROJECTED))
        keys.append((_GEOGRAPHIC if is_geographic else _PROJECTED, 0, 1, code))
    else:
        keys += [(_MODEL, 0, 1, _IS_OF_USER), (_PROJECTED, 0, 1, _IS_OF_USER), (_CITATION, _TEXTS, len(text), 0)]
    keys += [(_LINEAR_UNIT, 0, 1, number) for number, name in _UNITS.items() if name == unit]
    directory = (1, 1, 0, len(keys), *chain(*sorted(keys)))
    return {_DIRECTORY: directory, **({_TEXTS: text} if text else {})}


def _code(crs: str) -> int:
    """The code of EPSG; 0: it has none."""
    code = int(crs.removeprefix("EPSG:")) if re.fullmatch(r"EPSG:\d{4,5}", crs) else 0
    return code if code in _CODES else 0


def _is_text(crs: str) -> bool:
    return crs.isascii() and crs.isprintable() and "|" not in crs
