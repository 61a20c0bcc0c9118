"""Small images, turned on the ground and with names of bands, on which the contract of formats is checked."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.transform import Affine

from unetzoo_geo.stack import write_stack

_SIZE = (90, 140)
_TURNED = Affine(1.6, 1.2, 4_321_000, 1.2, -1.6, 3_210_000)


def example_jpeg2000(folder: Path) -> Path:
    """Three lossless bands in several tiles."""
    path, tif = folder / "a.jp2", _write(folder / "a.tif", 3)
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "BLOCKXSIZE": "64", "BLOCKYSIZE": "32"}
    rasterio.shutil.copy(tif, path, driver="JP2OpenJPEG", **options)
    tif.unlink()
    return path


def example_vrt(folder: Path) -> Path:
    """Two bands in files of their own."""
    files = {name: _write(folder / f"{name}.tif", 1) for name in ("B4", "B8")}
    write_stack(folder / "a.vrt", files)
    return folder / "a.vrt"


def example_cog(folder: Path) -> Path:
    """Two bands with names, a value for no data and two overviews."""
    path = _write(folder / "a.cog.tif", 2, names=("B4", "B8"), nodata=3)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4], Resampling.nearest)
    return path


def _write(path: Path, bands: int, names: tuple[str, ...] = (), **options: Any) -> Path:  # noqa: ANN401 - rasterio's
    pixels = np.random.default_rng(0).integers(0, 4000, (bands, *_SIZE)).astype(np.uint16)
    shape = {"count": bands, "height": _SIZE[0], "width": _SIZE[1], "dtype": "uint16"}
    tiles = {"tiled": True, "blockxsize": 32, "blockysize": 16}
    place = {"crs": "EPSG:3035", "transform": _TURNED}
    with rasterio.open(path, "w", driver="GTiff", **shape, **tiles, **place, **options) as file:
        file.write(pixels)
        for number, name in enumerate(names, start=1):
            file.set_band_description(number, name)
    return path
