"""Outlines of objects as GeoJSON in the dialect of QuPath."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from uuid import NAMESPACE_URL, uuid5

from unetzoo.objects.outlines import Outline, Ring

Color = tuple[int, ...]


class GeoJsonFile:
    """A collection of detections that grows by the outlines of images.

    Args:
        file: to write into.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._separator = "\n"

    def add(self, outlines: Iterable[Outline], name: str, class_of: Callable[[int], tuple[str, Color]]) -> None:
        """Write the outlines of an image, a line each; coordinates are pixels, see `outline_objects`.

        Args:
            outlines: of the objects.
            name: of the image; the identifiers of its objects follow from it.
            class_of: name and color (red, green, blue) of the class of an object, by its number.
        """
        for outline in outlines:
            feature = _feature(outline, name, *class_of(outline.number))
            self._file.write(self._separator + json.dumps(feature, separators=(",", ":")))
            self._separator = ",\n"


@contextmanager
def open_geojson(path: Path) -> Iterator[GeoJsonFile]:
    """A new collection of detections, which is complete at the end."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type":"FeatureCollection","features":[')
        yield GeoJsonFile(file)
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
            "image": name,
            "classification": {"name": class_name, "color": list(color)},
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]
