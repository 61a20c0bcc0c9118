"""Outlines of objects as GeoJSON in the dialect of QuPath."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from unetzoo.objects.outlines import Outline, Ring

Color = tuple[int, ...]


def write_geojson(
    path: Path, outlines: Iterable[Outline], name: str, class_of: Callable[[int], tuple[str, Color]]
) -> None:
    """Write outlines as a collection of detections, a line each; coordinates are pixels, see `outline_objects`.

    Args:
        path: of the file.
        outlines: of the objects of an image.
        name: of the image; the identifiers of its objects follow from it.
        class_of: name and color (red, green, blue) of the class of an object, by its number.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type":"FeatureCollection","features":[')
        separator = "\n"
        for outline in outlines:
            file.write(
                separator + json.dumps(_feature(outline, name, *class_of(outline.number)), separators=(",", ":"))
            )
            separator = ",\n"
        file.write("\n]}\n")


def _feature(outline: Outline, name: str, class_name: str, color: Color) -> dict[str, object]:
    polygons = [[_closed(ring) for ring in rings] for rings in outline.polygons]
    is_single = len(polygons) == 1
    return {
        "type": "Feature",
        "id": str(uuid5(NAMESPACE_URL, f"{name}#{outline.number}")),
        "geometry": {
            "type": "Polygon" if is_single else "MultiPolygon",
            "coordinates": polygons[0] if is_single else polygons,
        },
        "properties": {
            "objectType": "detection",
            "name": str(outline.number),
            "classification": {"name": class_name, "color": list(color)},
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]
