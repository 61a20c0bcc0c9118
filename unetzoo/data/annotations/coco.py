"""COCO: one JSON file of all images, with polygons, or run lengths where objects have holes.

Source: https://cocodataset.org/#format-data. The polygons of an annotation belong to one object, which is their union.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unetzoo.data.annotations.documents import explained, items, mapping, read_json, stated_size, text
from unetzoo.data.annotations.images import ImageFiles, split_of, split_of_file
from unetzoo.data.annotations.rle import decode_columns
from unetzoo.data.annotations.shapes import AnnotatedImage, Annotations, Part, Patch, Polygon, Shape, Size, ring
from unetzoo.data.sources.source import Finding, sentences
from unetzoo.errors import DataError

_FEWEST = 6  # numbers of a polygon with an area


def is_coco(document: object) -> bool:
    """Whether the content of a JSON file is in COCO's format."""
    return isinstance(document, dict) and all(
        isinstance(document.get(key), list) for key in ("images", "annotations", "categories")
    )


def read_coco(files: Sequence[Path], images: ImageFiles) -> Annotations:
    """The annotations of COCO's files, of each split one or several.

    Raises:
        DataError: one is not as the format says.
    """
    annotated: list[AnnotatedImage] = []
    labels: dict[str, None] = {}
    failures: list[Finding] = []
    for file in files:
        with explained(file):
            document = read_json(file)
            names = _names(document["categories"])
            _check_outlines(document["annotations"])
            labels |= dict.fromkeys(names.values())
            annotated += _images(file, document, names, images, failures)
    return Annotations(tuple(annotated), tuple(labels), tuple(sentences(failures)))


def _check_outlines(entries: Sequence[object]) -> None:
    if entries and not any(isinstance(entry, Mapping) and entry.get("segmentation") for entry in entries):
        raise DataError("its annotations hold boxes alone, not the outlines of objects (segmentation)")


def _names(categories: Sequence[object]) -> dict[Any, str]:
    """The name of each category by its number, in the order of the numbers."""
    rows = [mapping(category, "a category") for category in categories]
    return {row["id"]: text(row["name"], "the name of a category") for row in sorted(rows, key=lambda row: row["id"])}


def _images(
    file: Path, document: Mapping[str, Any], names: Mapping[Any, str], images: ImageFiles, failures: list[Finding]
) -> Iterator[AnnotatedImage]:
    objects = defaultdict(list)
    for entry in document["annotations"]:
        objects[mapping(entry, "an annotation")["image_id"]].append(entry)
    for row in document["images"]:
        stated = mapping(row, "an image")
        try:
            image = images.named(text(stated["file_name"], "file_name"), file)
        except DataError as error:
            failures.append(Finding(images.shown(file), f": {error}"))
            continue
        size = stated_size(stated.get("height"), stated.get("width"))
        split = split_of_file(file) or split_of(image, images.folder)
        yield AnnotatedImage(image, file, partial(_shapes, objects.get(stated["id"], ()), names), size, split)


def _shapes(entries: Sequence[Mapping[str, Any]], names: Mapping[Any, str], size: Size) -> list[Shape]:
    return [_shape(entry, names, size) for entry in entries]


def _shape(entry: Mapping[str, Any], names: Mapping[Any, str], size: Size) -> Shape:
    number = entry["category_id"]
    if number not in names:
        raise DataError(f"annotation {entry.get('id')} is of category {number!r}, which does not exist")
    segmentation = entry.get("segmentation")
    if not segmentation:
        return Shape(names[number], (), "box")
    try:
        return Shape(names[number], tuple(_parts(segmentation, size)))
    except DataError as error:
        raise DataError(f"annotation {entry.get('id')}: {error}") from error


def _parts(segmentation: object, size: Size) -> Iterator[Part]:
    if not isinstance(segmentation, Mapping):
        polygons = items(segmentation, "its segmentation")
        yield from (Polygon((ring(polygon),)) for polygon in polygons if len(items(polygon, "a polygon")) >= _FEWEST)
        return
    if segmentation.get("size") != list(size):
        raise DataError(f"its run lengths are of {segmentation.get('size')} pixels, the image of {list(size)}")
    yield Patch(decode_columns(segmentation["counts"], size))
