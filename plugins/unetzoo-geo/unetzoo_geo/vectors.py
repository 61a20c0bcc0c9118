"""Polygons with their classes from vector files."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from unetzoo import DataError

ENDINGS = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
_POLYGONS = (3, 6)  # shapely's types: polygon and multipolygon
_MOST_SHOWN = 12


class Vectors(NamedTuple):
    """Polygons of a layer.

    Attributes:
        shapes: polygons of shapely (n,), in the order of the file.
        values: (n,) of a column as text; empty texts without one.
        crs: the coordinate system.
    """

    shapes: NDArray[Any]
    values: NDArray[Any]
    crs: CRS


def read_vectors(path: Path, *, layer: str | None, column: str | None) -> Vectors:
    """The polygons of a layer, and the values of a column.

    Raises:
        DataError: the file cannot be read, or has several layers and none is named; it has no such layer or column, no
            coordinate system, or shapes that are not polygons.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"{path} has none of the endings {', '.join(ENDINGS)}")
    try:
        name = _layer(path, layer)
        columns = pyogrio.read_info(path, layer=name)["fields"].tolist()
        if column is not None and column not in columns:
            raise DataError(f"{path} has no column {column!r}; its columns are {', '.join(columns)}")
        meta, _, geometry, values = pyogrio.raw.read(path, layer=name, columns=[column] if column else [])
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    shapes = shapely.from_wkb(geometry)
    texts = np.array([_text(value) for value in values[0]], object) if column else np.full(len(shapes), "", object)
    return Vectors(_polygons(shapes, path), texts, _crs(meta["crs"], path))


def _layer(path: Path, layer: str | None) -> str:
    layers = pyogrio.list_layers(path)[:, 0].tolist()
    chosen = layers if layer is None else [name for name in layers if name == layer]
    if len(chosen) != 1:
        asked = "" if layer is None else f"no layer {layer!r}, but "
        raise DataError(f"{path} has {asked}the layers {', '.join(layers)}; name one with --layer")
    return str(chosen[0])


def _polygons(shapes: NDArray[Any], path: Path) -> NDArray[Any]:
    kinds = shapely.get_type_id(shapes)
    others = shapes[~np.isin(kinds, _POLYGONS)]
    if len(others):
        kind = "nothing" if others[0] is None else others[0].geom_type
        raise DataError(f"{path}: {len(others):,} of its {len(shapes):,} shapes are no polygons, such as {kind}")
    if not len(shapes):
        raise DataError(f"{path} has no polygons")
    return shapes


def _crs(text: str | None, path: Path) -> CRS:
    if not text or "Undefined" in text:
        raise DataError(f"{path} has no coordinate system; assign one (ogr2ogr -a_srs EPSG:...)")
    return CRS.from_user_input(text)


def _text(value: Any) -> str:  # noqa: ANN401 - of any column
    """A value as a user writes it: whole numbers without a fraction."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if is_whole else value)


def shown(values: NDArray[Any]) -> str:
    """The distinct values of a column, for messages."""
    names = sorted(set(values.tolist()))
    more = f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more
