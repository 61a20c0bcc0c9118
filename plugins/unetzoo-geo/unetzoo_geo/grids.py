"""The grid of a raster, and the tags of GeoTIFF that say the same, so that results keep it in any TIFF.

Tags are read from, and written into, a TIFF of one pixel in memory: GDAL alone knows how a coordinate system is coded.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tifffile
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from unetzoo import Grid
from unetzoo.data.formats import Key, grid_of_transform, transform_of
from unetzoo_geo.handles import open_quietly

_TEXT, _SHORT, _DOUBLE = 2, 3, 12
_TAGS = {33550: _DOUBLE, 33922: _DOUBLE, 34264: _DOUBLE, 34735: _SHORT, 34736: _DOUBLE, 34737: _TEXT}
_UNITS = {"metre": "m", "meter": "m", "foot": "ft", "US survey foot": "ftUS"}


def grid_of_dataset(dataset: Any, bands: list[int], nodata: tuple[float, ...]) -> Grid:  # noqa: ANN401 - rasterio ships no types
    """The grid of some bands of an open raster; without a place if it has no transform and no coordinate system."""
    crs, transform = dataset.crs, dataset.transform
    names = [dataset.descriptions[number - 1] for number in bands]
    named = Grid(nodata=nodata, bands=tuple(names) if all(names) else ())
    if not crs and transform.is_identity:
        return named
    grid = named if transform.is_identity else grid_of_transform(tuple(transform), unit=unit_of(crs))
    keys = tuple(_tags_of(crs, transform))
    return replace(grid, crs=name_of(crs), nodata=named.nodata, bands=named.bands, keys=keys)


def name_of(crs: CRS | None) -> str:
    """A coordinate system as an authority's code if that says all, else as WKT; empty: there is none."""
    if not crs:
        return ""
    authority = crs.to_authority()
    code = ":".join(authority) if authority else ""
    return code if code and CRS.from_user_input(code) == crs else crs.to_wkt()


def unit_of(crs: CRS | None) -> str:
    """The unit of a coordinate system, as of `Axis`."""
    if not crs:
        return ""
    return "degree" if crs.is_geographic else _UNITS.get(crs.linear_units, crs.linear_units)


def place_of(grid: Grid) -> dict[str, Any]:
    """The options `crs` and `transform` of rasterio for a grid; without those that it does not have."""
    tags = {key.name: key.value for key in grid.keys if key.format == "tiff" and key.name in _TAGS}
    if tags:
        return _place_of_tags(tags)
    crs = {"crs": CRS.from_user_input(grid.crs)} if grid.crs else {}
    return crs | ({"transform": Affine(*transform_of(grid))} if len(grid.affine) == 2 else {})


def _tags_of(crs: CRS | None, transform: Affine) -> Iterator[Key]:
    with MemoryFile() as memory:
        shape = {"width": 1, "height": 1, "count": 1, "dtype": "uint8"}
        place = {"crs": crs} | ({} if transform.is_identity else {"transform": transform})
        with memory.open(driver="GTiff", **shape, **place):
            pass
        with tifffile.TiffFile(io.BytesIO(memory.read())) as file:
            tags = file.pages.first.tags
            yield from (Key("tiff", code, tags[code].value) for code in _TAGS if code in tags)


def _place_of_tags(tags: dict[Any, Any]) -> dict[str, Any]:
    extra = [
        (code, _TAGS[code], 0 if _TAGS[code] == _TEXT else len(value), value, False) for code, value in tags.items()
    ]
    pixel = io.BytesIO()
    tifffile.imwrite(pixel, np.zeros((1, 1), np.uint8), metadata=None, extratags=extra)
    with MemoryFile(pixel.getvalue()) as memory, open_quietly(memory.name, driver="GTiff") as dataset:
        crs = {"crs": dataset.crs} if dataset.crs else {}
        return crs if dataset.transform.is_identity else crs | {"transform": dataset.transform}
