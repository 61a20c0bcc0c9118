"""Several rasters of one scene, such as the bands of Sentinel-2, as one image: a VRT on the grid of one of them."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from rasterio.transform import Affine

from unetzoo import DataError, OptionError
from unetzoo_geo.handles import driver_of, open_quietly
from unetzoo_geo.whole import check_new, whole_file

_RULES = ("nearest", "bilinear", "cubic", "average")

_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}
_STRAIGHT = 1e-6  # pixels by which the sides of two grids may turn
_COVERED = 0.5  # pixels of the grid that a band may lack at its border


def write_stack(
    out: Path,
    bands: Mapping[str, Path],
    *,
    like: str | None = None,
    resampling: str = "bilinear",
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write a VRT whose bands are those files, on the grid of one of them; no pixels are copied.

    Args:
        out: the VRT.
        bands: a TIFF, JPEG 2000, PNG or JPEG of one band for each name, in this order.
        like: name of the band whose grid it has; None: the first of those with the smallest pixels.
        resampling: how bands with other pixels are resampled when they are read: `"nearest"`, `"bilinear"`, `"cubic"`
            or `"average"`.
        overwrite: replace the VRT if it is there.

    Returns:
        The names of the bands that are resampled.

    Raises:
        DataError: a file cannot be read, has several bands, another coordinate system or turned sides, or does not
            cover the grid and has no value for no data; `out` is there already.
        OptionError: `like` or `resampling` is not one of those.
    """
    check_new(out, (".vrt",), overwrite=overwrite)
    if resampling not in _RULES:
        raise OptionError(f"resampling must be one of {', '.join(_RULES)}; got {resampling!r}")
    if not bands or like not in (None, *bands):
        raise OptionError(f"like must be the name of a band, one of {', '.join(bands) or '(none)'}; got {like!r}")
    with ExitStack() as stack:
        opened = {name: stack.enter_context(_opened(path)) for name, path in bands.items()}
        grid = opened[like] if like else min(opened.values(), key=lambda each: abs(each.transform.determinant))
        places = {name: _place(dataset, grid, bands[name]) for name, dataset in opened.items()}
        dtype = np.result_type(*(dataset.dtypes[0] for dataset in opened.values())).name
        if dtype not in _TYPES:
            raise DataError(f"{out} cannot have pixels of {dtype}, as the types of the bands need")
        lines = [
            _band(number, name, opened[name], places[name], dtype, resampling, out)
            for number, name in enumerate(bands, start=1)
        ]
        with whole_file(out) as draft:
            draft.write_text(_head(grid) + "".join(lines) + "</VRTDataset>\n", encoding="utf-8")
    return tuple(name for name, place in places.items() if not _is_same(place))


def _opened(path: Path) -> Any:  # noqa: ANN401 - rasterio ships no types
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    driver = driver_of(path)
    if not driver:
        raise DataError(f"{path} cannot be read: it must be a TIFF, JPEG 2000, PNG or JPEG")
    dataset = open_quietly(path.absolute(), driver=driver)
    if dataset.count != 1:
        dataset.close()
        raise DataError(f"{path} has {dataset.count} bands; a stack is of files of one band")
    return dataset


def _place(dataset: Any, grid: Any, path: Path) -> Affine:  # noqa: ANN401 - see above
    """From columns and rows of a file to those of the grid: a scale and a shift."""
    if dataset.crs != grid.crs:
        theirs, own = (each.crs.to_string() if each.crs else "none" for each in (dataset, grid))
        raise DataError(f"{path} has the coordinate system {theirs}, the grid {own}; bring it there (gdalwarp)")
    if dataset.transform.is_identity != grid.transform.is_identity:
        lacking = path if dataset.transform.is_identity else grid.name
        raise DataError(f"{lacking} has no transform, and other bands have one; assign it (gdal_edit)")
    place = ~grid.transform @ dataset.transform
    if max(abs(place.b) * dataset.height, abs(place.d) * dataset.width) > _STRAIGHT or min(place.a, place.e) <= 0:
        raise DataError(f"{path} has pixels that are turned against those of the grid; bring it there (gdalwarp)")
    right, bottom = place.c + place.a * dataset.width, place.f + place.e * dataset.height
    lacking = max(place.c, place.f, grid.width - right, grid.height - bottom)
    if lacking > _COVERED and dataset.nodata is None:
        raise DataError(f"{path} lacks up to {lacking:.0f} pixels of the grid, and has no value for no data to say so")
    if place.c >= grid.width or place.f >= grid.height or right <= 0 or bottom <= 0:
        raise DataError(f"{path} lies outside of the grid")
    return place


def _is_same(place: Affine) -> bool:
    """Whether pixels are those of the grid, up to a shift by whole ones."""
    return bool(place.almost_equals(Affine.translation(round(place.c), round(place.f)), _STRAIGHT))


def _head(grid: Any) -> str:  # noqa: ANN401 - see above
    crs = f"<SRS>{escape(grid.crs.to_wkt())}</SRS>" if grid.crs else ""
    numbers = ", ".join(map(repr, grid.transform.to_gdal()))
    place = "" if grid.transform.is_identity else f"<GeoTransform>{numbers}</GeoTransform>"
    return f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">{crs}{place}\n'


def _band(
    number: int,
    name: str,
    dataset: Any,  # noqa: ANN401 - see above
    place: Affine,
    dtype: str,
    resampling: str,
    out: Path,
) -> str:
    source = escape(os.path.relpath(dataset.name, out.absolute().parent))
    size = f'xSize="{dataset.width}" ySize="{dataset.height}"'
    target = f'xSize="{place.a * dataset.width!r}" ySize="{place.e * dataset.height!r}"'
    nodata = "" if dataset.nodata is None else f"<NODATA>{dataset.nodata!r}</NODATA>"
    kind = "ComplexSource" if nodata else "SimpleSource"
    rule = "" if _is_same(place) else f" resampling={quoteattr(resampling)}"
    return (
        f'<VRTRasterBand dataType="{_TYPES[dtype]}" band="{number}"><Description>{escape(name)}</Description>'
        + nodata.replace("NODATA", "NoDataValue")
        + f'<{kind}{rule}><SourceFilename relativeToVRT="1">{source}</SourceFilename><SourceBand>1</SourceBand>'
        f'<SrcRect xOff="0" yOff="0" {size}/><DstRect xOff="{place.c!r}" yOff="{place.f!r}" {target}/>{nodata}</{kind}>'
        "</VRTRasterBand>\n"
    )
