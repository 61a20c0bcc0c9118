"""Write the regions of a raster of classes, or the objects of a label image, as polygons."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo import DataError
from unetzoo_geo.ground import areas, on_the_globe, pixel_sides
from unetzoo_geo.outlines import open_ids, regions
from unetzoo_geo.polygon_files import Features, write_geojson, write_geopackage
from unetzoo_geo.whole import check_new, whole_file

ENDINGS = (".gpkg", ".geojson")


@dataclass
class Total:
    """The polygons of a class: their number, and the sum of their areas."""

    polygons: int = 0
    area: float = 0.0


@dataclass(frozen=True)
class Written:
    """What was written: the unit of areas, `"m2"` or without a coordinate system `"px"`, and the total of each id."""

    unit: str
    totals: dict[int, Total] = field(default_factory=lambda: defaultdict(Total))


def write_polygons(
    labels: Path, out: Path, names: Mapping[int, str] | None = None, *, overwrite: bool = False
) -> Written:
    """Write a polygon, with its holes, for each region of pixels that share a class and sides.

    Columns are `class_id`, `class_name` if there are names, and `area_m2`; `area_px` without a coordinate system.

    Args:
        labels: a TIFF or PNG of class ids, or of numbers of objects.
        out: a GeoPackage, in the coordinate system of the labels, or a GeoJSON, in degrees of WGS 84.
        names: of the ids to write; None or empty: all but 0 and the value for no data.
        overwrite: replace the file if it is there.

    Raises:
        DataError: `labels` cannot be read or has no place that the file needs; `out` is there already.
        WriteError: it cannot be written.
    """
    check_new(out, ENDINGS, overwrite=overwrite)
    with open_ids(labels) as dataset:
        is_geojson = out.suffix.lower() == ".geojson"
        if is_geojson and not dataset.crs:
            raise DataError(f"{labels} has no coordinate system, and GeoJSON is in degrees; write a .gpkg instead")
        written = Written("m2" if dataset.crs else "px")
        features = _features(dataset, names or {}, written)
        with whole_file(out) as draft:
            if is_geojson:
                write_geojson(draft, (_in_degrees(each, dataset) for each in features))
            else:
                write_geopackage(draft, features, out.stem, dataset.crs)
    return written


def _features(dataset: Any, names: Mapping[int, str], written: Written) -> Iterator[Features]:  # noqa: ANN401 - rasterio ships no types
    """The regions with their columns; they are counted."""
    pixel = abs(dataset.transform.determinant)
    for polygons, ids in regions(dataset, names.keys()):
        sizes = areas(polygons, dataset.crs, pixel)
        for number, size in zip(ids.tolist(), sizes.tolist(), strict=True):
            written.totals[number].polygons += 1
            written.totals[number].area += size
        named = {"class_name": np.array([names[number] for number in ids.tolist()], object)} if names else {}
        yield Features(polygons, {"class_id": ids, **named, f"area_{written.unit}": sizes})


def _in_degrees(features: Features, dataset: Any) -> Features:  # noqa: ANN401 - see above
    step = min(pixel_sides(dataset.transform))
    return features._replace(polygons=on_the_globe(features.polygons, dataset.crs, step))
