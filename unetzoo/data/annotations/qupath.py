"""GeoJSON as QuPath writes it: a file for each image, with the polygons of objects, their holes and several parts.

Source: RFC 7946, with pixels in place of degrees, and https://qupath.readthedocs.io, "Exporting annotations".
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unetzoo.data.annotations.documents import explained, items, mapping, read_json, text
from unetzoo.data.annotations.images import ImageFiles, split_of
from unetzoo.data.annotations.shapes import AnnotatedImage, Annotations, Part, Polygon, Shape, Size, ring
from unetzoo.errors import DataError


def is_geojson(document: object) -> bool:
    """Whether the content of a JSON file is GeoJSON: a collection of features, one, or a list of them."""
    if isinstance(document, list):
        return bool(document) and all(isinstance(one, dict) and one.get("type") == "Feature" for one in document)
    return isinstance(document, dict) and document.get("type") in ("FeatureCollection", "Feature")


def read_qupath(files: Sequence[Path], images: ImageFiles) -> Annotations:
    """The annotations of QuPath's files, each of which has the name of its image.

    Raises:
        DataError: one is not as the format says.
    """
    pairs, problems = images.by_file(files)
    annotated: list[AnnotatedImage] = []
    labels: list[str] = []
    for image, (file, *others) in pairs.items():
        if others:
            raise DataError(f"{images.shown(image)} has several files of annotations: {file} and {others[0]}")
        labels += [shape.label for shape in _read(file, (0, 0))]
        annotated.append(AnnotatedImage(image, file, partial(_read, file), split=split_of(image, images.folder)))
    return Annotations(tuple(annotated), tuple(sorted(set(labels))), tuple(problems))


def _read(file: Path, _: Size) -> list[Shape]:
    with explained(file):
        return [_shape(mapping(feature, "a feature")) for feature in _features(read_json(file))]


def _features(document: Any) -> Sequence[Any]:  # noqa: ANN401 - as the file has it
    if isinstance(document, list):
        return document
    if "crs" in document:
        raise DataError("it has a coordinate reference system (crs): its coordinates are not pixels of an image")
    return items(document["features"], "features") if document["type"] == "FeatureCollection" else [document]


def _shape(feature: Mapping[str, Any]) -> Shape:
    geometry = mapping(feature.get("geometry"), "the geometry of a feature")
    parts = tuple(_parts(geometry))
    return Shape(_label(feature.get("properties") or {}), parts, "" if parts else str(geometry["type"]))


def _label(properties: Mapping[str, Any]) -> str:
    """The name of the classification; those of several levels are written as QuPath shows them."""
    classification = properties.get("classification")
    if not classification:
        return ""
    if isinstance(classification, str):
        return classification
    names = classification.get("names")
    return ": ".join(names) if names else text(classification.get("name", ""), "the name of a classification")


def _parts(geometry: Mapping[str, Any]) -> Iterator[Part]:
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for one in items(geometry["geometries"], "geometries"):
            yield from _parts(mapping(one, "a geometry"))
    elif kind == "Polygon":
        yield _polygon(geometry["coordinates"])
    elif kind == "MultiPolygon":
        yield from map(_polygon, items(geometry["coordinates"], "the coordinates of a MultiPolygon"))


def _polygon(rings: object) -> Part:
    """The outline and the holes of a polygon."""
    return Polygon(tuple(map(ring, items(rings, "the coordinates of a Polygon"))))
