"""The regions of a raster of numbers as polygons.

GDAL follows the outlines line by line (GDALPolygonize): no region is cut where blocks meet, and memory grows with the
outlines, not with the pixels.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes

from unetzoo import DataError
from unetzoo_geo.handles import driver_of, open_quietly

_BATCH = 10_000
_EXACT = ("GTiff", "PNG")
_LARGEST = 2**31 - 1  # GDAL's polygons have numbers of 32 bits


class Regions(NamedTuple):
    """Some regions of a raster.

    Attributes:
        polygons: of shapely (n,), with their holes, in the coordinate system of the raster.
        ids: (n,) their numbers.
    """

    polygons: NDArray[Any]
    ids: NDArray[np.int64]


@contextmanager
def open_ids(path: Path) -> Iterator[Any]:
    """The dataset of a TIFF or PNG of one band of whole numbers.

    Raises:
        DataError: it is another file.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    driver = driver_of(path)
    if driver not in _EXACT:
        raise DataError(f"{path} cannot be read: it must be a TIFF or PNG of class ids or numbers of objects")
    with open_quietly(path.absolute(), driver=driver) as dataset:
        if dataset.count != 1 or np.dtype(dataset.dtypes[0]).kind not in "iu":
            kinds = f"{dataset.count} bands of {dataset.dtypes[0]}"
            raise DataError(f"{path} must have one band of class ids or numbers of objects, but has {kinds}")
        yield dataset


def regions(dataset: Any, ids: Collection[int]) -> Iterator[Regions]:  # noqa: ANN401 - rasterio ships no types
    """The regions whose pixels share a number and sides, with these numbers, several thousand at once; at first none.

    Args:
        dataset: as of `open_ids`.
        ids: which ones; empty: all but 0 and the value for no data.

    Raises:
        DataError: numbers have more than 31 bits.
    """
    with (
        open_quietly(_vrt(dataset, "Int32"), driver="VRT") as numbers,  # the one type whose outlines are exact
        open_quietly(_vrt(dataset, "Byte", _chosen(ids, dataset.nodata)), driver="VRT") as mask,
    ):
        found = shapes(rasterio.band(numbers, 1), mask=rasterio.band(mask, 1), connectivity=4)
        numbered = ((shapely.geometry.shape(shape), int(value)) for shape, value in found)
        yield Regions(np.empty(0, object), np.empty(0, np.int64))  # so that a file without regions has columns
        while batch := list(islice(numbered, _BATCH)):
            yield _regions(batch, dataset)


def _regions(batch: list[tuple[Any, int]], dataset: Any) -> Regions:  # noqa: ANN401 - see above
    """Regions whose shapes have the coordinates of pixels."""
    ids = np.array([number for _, number in batch], np.int64)
    if ids.max() == _LARGEST:
        raise DataError(f"{dataset.name} has numbers of more than 31 bits; number its regions from 1")
    a, b, c, d, e, f = dataset.transform[:6]
    matrix, corner = np.array([[a, d], [b, e]]), np.array([c, f])
    pixels = np.array([shape for shape, _ in batch], object)
    return Regions(shapely.transform(pixels, lambda points: points @ matrix + corner), ids)


def _chosen(ids: Collection[int], nodata: float | None) -> str:
    """A table of GDAL that gives 1 for the ids to follow, and 0 for others; it is linear between its entries."""
    listed = set(ids) or {0, 0 if nodata is None or np.isnan(nodata) else int(nodata)}
    value = int(bool(ids))
    table = {number + step: 1 - value for number in listed for step in (-1, 1)} | dict.fromkeys(listed, value)
    return f"<LUT>{','.join(f'{number}:{table[number]}' for number in sorted(table))}</LUT>"


def _vrt(dataset: Any, dtype: str, table: str = "") -> str:  # noqa: ANN401 - see above
    """A VRT of the dataset with pixels of another type, looked up in a table."""
    source = f'<SourceFilename relativeToVRT="0">{escape(dataset.name)}</SourceFilename><SourceBand>1</SourceBand>'
    band = f'<VRTRasterBand dataType="{dtype}" band="1"><ComplexSource>{source}{table}</ComplexSource></VRTRasterBand>'
    return f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">{band}</VRTDataset>'
