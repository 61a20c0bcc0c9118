"""The grid of a TIFF: tags of GeoTIFF and of the resolution, read and written."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from unetzoo._utils.units import meters_of
from unetzoo.data.formats.geo_keys import ground_grid, ground_tags, is_on_ground, is_writable
from unetzoo.data.formats.grid import Grid, Key
from unetzoo.data.formats.tiff_page import page_orientation
from unetzoo.data.formats.tiff_size import channel_names, pixel_axes

_TEXT, _SHORT, _DOUBLE = 2, 3, 12
_GEO = {33550: _DOUBLE, 33922: _DOUBLE, 34264: _DOUBLE, 34735: _SHORT, 34736: _DOUBLE, 34737: _TEXT}
_NODATA = 42113
_ALONG_X, _ALONG_Y, _UNIT = 282, 283, 296
_MOST_NUMBERS = 2**16
_UNITS = (1, 2, 3)
_MOST_LETTERS = 60  # of a coordinate system in a warning
_INCH, _CENTIMETER = 2, 3  # the first one where tag 296 is missing
_CENTIMETER_LENGTH = 0.01  # meters
_IN_PLANE = ("y", "x")


def file_grid(file: Any, series: Any) -> Grid:  # noqa: ANN401 - of tifffile, which has no types
    """The grid of a series; without a place if its pixels are turned before they are shown, since its tags are not."""
    page = series.keyframe
    bands = channel_names(file, series)
    if page_orientation(page) != 1:
        return Grid(bands=bands)
    geo, resolution = tuple(_geo_keys(page)), tuple(_resolution_keys(page))
    ground = ground_grid({int(key.name): key.value for key in geo})
    return replace(ground, axes=ground.axes or pixel_axes(file, series), bands=bands, keys=(*geo, *resolution))


def lost_of(grid: Grid) -> str:
    """What a TIFF cannot say of a grid; empty: nothing."""
    if any(key.name in _GEO for key in _own_keys(grid)):
        return ""
    if is_on_ground(grid):
        return f"the coordinate system {_shortened(grid.crs)}" if grid.crs and not is_writable(grid.crs) else ""
    return "the place of the pixels" if grid.has_place else ""


def grid_tags(grid: Grid, nodata: float | None) -> list[tuple[int, int, int, Any, bool]]:
    """Tags for tifffile's writer: those of a grid on the ground, and the value for no data as GDAL reads it."""
    geo = {int(key.name): key.value for key in _own_keys(grid) if key.name in _GEO} or ground_tags(grid)
    if not geo:
        return []
    tags = [(code, _GEO[code], 0 if _GEO[code] == _TEXT else len(value), value, False) for code, value in geo.items()]
    text = [] if nodata is None else [(_NODATA, _TEXT, 0, f"{nodata:g}", False)]
    return tags + text


def resolution_of(grid: Grid) -> tuple[tuple[float, float] | None, int | None]:
    """Pixels per unit along x and y, and TIFF's number of the unit, for tifffile's writer; None: not stated."""
    in_plane = [axis for axis in grid.axes if axis.name in _IN_PLANE]
    lengths = [axis.step * meters for axis in in_plane if axis.step and (meters := meters_of(axis.unit))]
    if len(lengths) == len(_IN_PLANE) and not is_on_ground(grid):
        along_y, along_x = (_CENTIMETER_LENGTH / length for length in lengths)
        return (along_x, along_y), _CENTIMETER
    values = {key.name: key.value for key in _own_keys(grid)}
    along_x, along_y = (_ratio(values.get(name)) for name in (_ALONG_X, _ALONG_Y))
    return ((along_x, along_y), values.get(_UNIT, _INCH)) if min(along_x, along_y) > 0 else (None, None)


def _shortened(crs: str) -> str:
    return crs if len(crs) <= _MOST_LETTERS else f"{crs[:_MOST_LETTERS]}..."


def _own_keys(grid: Grid) -> Iterator[Key]:
    return (key for key in grid.keys if key.format == "tiff")


def _geo_keys(page: Any) -> Iterator[Key]:  # noqa: ANN401 - see above
    """The tags that have the type of GeoTIFF and a reasonable length."""
    for code, dtype in _GEO.items():
        tag = page.tags.get(code)
        if tag is None or tag.count > _MOST_NUMBERS:
            continue
        if dtype == _TEXT and isinstance(tag.value, str):
            yield Key("tiff", code, tag.value)
        elif dtype != _TEXT and int(tag.dtype) == dtype:
            yield Key("tiff", code, tag.value if isinstance(tag.value, tuple) else (tag.value,))


def _resolution_keys(page: Any) -> Iterator[Key]:  # noqa: ANN401 - see above
    along_x, along_y, unit = (page.tags.valueof(code) for code in (_ALONG_X, _ALONG_Y, _UNIT))
    if min(_ratio(along_x), _ratio(along_y)) > 0:
        yield Key("tiff", _ALONG_X, along_x)
        yield Key("tiff", _ALONG_Y, along_y)
        yield Key("tiff", _UNIT, int(unit) if unit in _UNITS else _INCH)


def _ratio(value: object) -> float:
    """The value of a fraction of TIFF; 0 if it is missing or invalid."""
    match value:
        case (int(numerator), int(denominator)) if denominator > 0:
            return numerator / denominator
    return 0.0
