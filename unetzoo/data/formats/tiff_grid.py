"""The grid of a TIFF: tags of GeoTIFF and of the resolution, read and written."""

from collections.abc import Iterator
from typing import Any

from unetzoo.data.formats.grid import NO_GRID, GeoTag, Grid
from unetzoo.data.formats.tiff_page import page_orientation

_TEXT, _SHORT, _DOUBLE = 2, 3, 12
_GEO = {33550: _DOUBLE, 33922: _DOUBLE, 34264: _DOUBLE, 34735: _SHORT, 34736: _DOUBLE, 34737: _TEXT}
_NODATA = 42113
_MOST_NUMBERS = 2**16
_UNITS = (1, 2, 3)
_INCH = 2  # where tag 296 is missing


def page_grid(page: Any) -> Grid:  # noqa: ANN401 - of tifffile, which has no types
    """The grid of a page; none if its pixels are turned before they are shown, since its tags are those of the file."""
    if page_orientation(page) != 1:
        return NO_GRID
    along_x, along_y, code = (page.tags.valueof(number) for number in (282, 283, 296))
    scales = _ratio(along_x), _ratio(along_y)
    unit = int(code) if code in _UNITS else _INCH
    return Grid(tuple(_geo_tags(page)), scales if min(scales) > 0 else None, unit)


def grid_tags(grid: Grid, nodata: float | None) -> list[tuple[int, int, int, Any, bool]]:
    """Tags for tifffile's writer: those of a grid on the ground, and the value for no data as GDAL reads it."""
    if not grid.geo:
        return []
    tags = [(code, dtype, 0 if dtype == _TEXT else len(value), value, False) for code, dtype, value in grid.geo]
    text = [] if nodata is None else [(_NODATA, _TEXT, 0, f"{nodata:g}", False)]
    return tags + text


def _geo_tags(page: Any) -> Iterator[GeoTag]:  # noqa: ANN401 - see above
    """Those that have the type of GeoTIFF and a reasonable length."""
    for code, dtype in _GEO.items():
        tag = page.tags.get(code)
        if tag is None or tag.count > _MOST_NUMBERS:
            continue
        if dtype == _TEXT and isinstance(tag.value, str):
            yield GeoTag(code, dtype, tag.value)
        elif dtype != _TEXT and int(tag.dtype) == dtype:
            yield GeoTag(code, dtype, tuple(tag.value) if isinstance(tag.value, tuple) else (tag.value,))


def _ratio(value: object) -> float:
    """The value of a fraction of TIFF; 0 if it is missing or invalid."""
    match value:
        case (int(numerator), int(denominator)) if denominator > 0:
            return numerator / denominator
    return 0.0
