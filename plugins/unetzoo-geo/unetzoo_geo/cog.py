"""Write a result as a cloud-optimized GeoTIFF: tiled, with overviews, all headers in front."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from unetzoo import DataError
from unetzoo.data.formats import ResultArray, full_palette
from unetzoo_geo.grids import place_of

TILED = {
    "driver": "GTiff",
    "tiled": True,
    "blockxsize": 512,
    "blockysize": 512,
    "compress": "deflate",
    "bigtiff": "if_safer",
}
"""Options of rasterio for a GeoTIFF that is written by blocks."""

_ROWS = 512


def write_cog(path: Path, result: ResultArray) -> None:
    """Write a tiled GeoTIFF by blocks, and copy it: headers and overviews of a COG come before its pixels.

    Raises:
        DataError: GDAL has no TIFF of that type.
    """
    if result.dtype.name not in rasterio.dtypes.dtype_rev:
        raise DataError(f"a COG cannot hold {result.dtype}; choose .tif")
    tiled = path.with_name(f"{path.name}.tiled")
    try:
        _write_tiled(tiled, result)
        resampling = "average" if result.dtype.kind == "f" else "nearest"  # ids have no average
        options = {"compress": "deflate", "bigtiff": "if_safer", "overview_resampling": resampling}
        rasterio.shutil.copy(tiled, path, driver="COG", **options)
    finally:
        tiled.unlink(missing_ok=True)


def _write_tiled(path: Path, result: ResultArray) -> None:
    is_colored = result.axes == "YXS"
    height, width = result.shape[:2] if is_colored else result.shape[-2:]
    count = {"YX": 1, "YXS": result.shape[-1]}.get(result.axes, result.shape[0])
    options: dict[str, Any] = {"photometric": "RGB"} if is_colored else {}
    options |= TILED | {"nodata": result.nodata} | place_of(result.grid)
    with rasterio.open(path, "w", width=width, height=height, count=count, dtype=result.dtype, **options) as file:
        if result.palette is not None:
            file.write_colormap(1, dict(enumerate(map(tuple, full_palette(result.palette).tolist()))))
        for top, block in result.blocks(_ROWS):
            planes = np.moveaxis(block, 2, 0) if is_colored else block.reshape(count, -1, width)
            file.write(planes, window=Window(0, top, width, planes.shape[1]))
