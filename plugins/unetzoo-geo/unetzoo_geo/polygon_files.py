"""Files of polygons: GeoPackage in any coordinate system, and GeoJSON in WGS 84 (RFC 7946)."""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyogrio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS


class Features(NamedTuple):
    """Some polygons with their columns.

    Attributes:
        polygons: of shapely (n,).
        columns: an array (n,) for each name.
    """

    polygons: NDArray[Any]
    columns: Mapping[str, NDArray[Any]]


def write_geopackage(path: Path, batches: Iterable[Features], layer: str, crs: CRS | None) -> None:
    """Write batches, each with the same columns, into a layer of a new GeoPackage."""
    for number, (polygons, columns) in enumerate(batches):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
            pyogrio.raw.write(
                path,
                geometry=shapely.to_wkb(polygons),
                field_data=list(columns.values()),
                fields=list(columns),
                geometry_type="Polygon",
                crs=crs.to_wkt() if crs else None,
                driver="GPKG",
                layer=layer,
                append=number > 0,
            )


def write_geojson(path: Path, batches: Iterable[Features]) -> None:
    """Write batches of polygons in degrees, each a line."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        separator = "\n"
        for polygons, columns in batches:
            rows = zip(*(values.tolist() for values in columns.values()), strict=True)
            for geometry, row in zip(shapely.to_geojson(polygons), rows, strict=True):
                properties = json.dumps(dict(zip(columns, row, strict=True)))
                file.write(f'{separator}{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}')
                separator = ",\n"
        file.write("\n]}\n")
