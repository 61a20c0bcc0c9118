"""Rasters on the ground for the tests: asymmetric in size, step, values and bands."""

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.transform import Affine

PLACES = {
    "UTM": ("EPSG:32633", Affine(10, 0, 500_000, 0, -20, 5_000_000)),
    "degrees": ("EPSG:4326", Affine(1e-4, 0, 12.5, 0, -2e-4, 47.25)),
    "rotated": ("EPSG:3035", Affine(1.6, 1.2, 4_321_000, 1.2, -1.6, 3_210_000)),
}


def noise(bands=3, height=50, width=70, dtype="uint16"):
    """Pixels (bands, height, width)."""
    return np.random.default_rng(0).integers(0, 120, (bands, height, width)).astype(dtype)


def write_tif(path, pixels, place="UTM", names=(), **options):
    """A GeoTIFF of pixels (bands, h, w)."""
    crs, transform = PLACES[place] if place else (None, None)
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **options) as file:
        file.write(pixels)
        for number, name in enumerate(names, start=1):
            file.set_band_description(number, name)
    return path


def write_jp2(path, pixels, place="UTM"):
    """A lossless JPEG 2000."""
    tif = write_tif(path.with_suffix(".source.tif"), pixels, place)
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "BLOCKXSIZE": "64", "BLOCKYSIZE": "32"}
    rasterio.shutil.copy(tif, path, driver="JP2OpenJPEG", **options)
    tif.unlink()
    return path
