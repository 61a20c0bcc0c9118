"""LabelMe: a JSON file for each image, with polygons, rectangles, circles and masks, perhaps with the image itself.

Shapes of one label and one group are one object. LabelMe's own conversion also fills the pixels that an outline
touches, which makes objects up to a pixel larger; here a pixel belongs to a shape if its center does.
"""

import base64
import binascii
import io
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo.data.annotations.documents import explained, items, mapping, read_json, stated_size, text
from unetzoo.data.annotations.images import ImageFiles, split_of
from unetzoo.data.annotations.shapes import (
    AnnotatedImage,
    Annotations,
    Part,
    Patch,
    Polygon,
    Shape,
    Size,
    ellipse,
    joined,
    rectangle,
    ring,
)
from unetzoo.data.formats.content import Content
from unetzoo.data.formats.read import decode
from unetzoo.data.sources.source import Finding, sentences
from unetzoo.errors import DataError


def is_labelme(document: object) -> bool:
    """Whether the content of a JSON file is in LabelMe's format."""
    return isinstance(document, dict) and isinstance(document.get("shapes"), list) and "imagePath" in document


def read_labelme(files: Sequence[Path], images: ImageFiles) -> Annotations:
    """The annotations of LabelMe's files.

    Raises:
        DataError: one is not as the format says.
    """
    annotated: dict[Path, AnnotatedImage] = {}
    labels: list[str] = []
    failures: list[Finding] = []
    for file in files:
        with explained(file):
            document = read_json(file)
            labels += [text(mapping(shape, "a shape")["label"], "a label") for shape in document["shapes"]]
            try:
                image = _image(file, document, images)
            except DataError as error:
                failures.append(Finding(images.shown(file), f": {error}"))
                continue
            if image in annotated:
                raise DataError(f"it is of the image {images.shown(image)}, as is {annotated[image].file}")
            size = stated_size(document.get("imageHeight"), document.get("imageWidth"))
            embedded = partial(_embedded, file) if image == file else None
            split = split_of(image, images.folder)
            annotated[image] = AnnotatedImage(image, file, partial(_read, file), size, split, embedded)
    lonely = [Finding(images.shown(path), " has no annotations") for path in images.paths if path not in annotated]
    return Annotations(tuple(annotated.values()), tuple(sorted(set(labels))), tuple(sentences([*failures, *lonely])))


def _image(file: Path, document: Mapping[str, Any], images: ImageFiles) -> Path:
    """The image that a file names, or else the one that has the file's own name; the file itself if it embeds it."""
    try:
        return images.named(text(document["imagePath"], "imagePath"), file)
    except DataError:
        own = [path for path in images.paths if path.with_suffix("") == file.with_suffix("")]
        if len(own) == 1:
            return own[0]
        if document.get("imageData"):
            return file
        raise


def _embedded(file: Path) -> bytes:
    """The image in a file, in its own format."""
    with explained(file):
        return _decoded(read_json(file)["imageData"], "its image")


def _read(file: Path, _: Size) -> list[Shape]:
    with explained(file):
        shapes = [mapping(shape, "a shape") for shape in read_json(file)["shapes"]]
        return joined((_shape(shape), (shape["label"], shape.get("group_id"))) for shape in shapes)


def _shape(shape: Mapping[str, Any]) -> Shape:
    kind = shape.get("shape_type") or "polygon"
    if kind not in _PARTS:
        return Shape(shape["label"], (), str(kind))
    try:
        return Shape(shape["label"], (_PARTS[kind](shape),))
    except DataError as error:
        raise DataError(f"a {kind} of {shape['label']!r}: {error}") from error


def _rectangle(shape: Mapping[str, Any]) -> Part:
    (left, top), (right, bottom) = items(shape["points"], "points")
    return Polygon((rectangle(left, top, right, bottom),))


def _circle(shape: Mapping[str, Any]) -> Part:
    (x, y), edge = items(shape["points"], "points")
    radius = math.dist((x, y), edge)
    return Polygon((ellipse(x, y, radius, radius),))


def _mask(shape: Mapping[str, Any]) -> Part:
    """A picture in base64 whose pixels above 0 belong to the object, between two corner pixels."""
    (left, top), (right, bottom) = np.array(shape["points"], float).round().astype(int).tolist()
    data = _decoded(shape["mask"], "its mask")
    pixels = decode(Content(io.BytesIO(data), len(data), "its mask"), "mask").pixels
    if pixels.shape != (bottom - top + 1, right - left + 1):
        raise DataError(
            f"its mask has {pixels.shape} pixels between the corners ({left}, {top}) and ({right}, {bottom})"
        )
    return Patch(pixels > 0, top, left)


def _decoded(value: object, what: str) -> bytes:
    """The bytes of a text in base64; raises DataError that begins with what it is."""
    try:
        return base64.b64decode(text(value, what), validate=True)
    except binascii.Error as error:
        raise DataError(f"{what} is not base64: {error}") from error


def _polygon(shape: Mapping[str, Any]) -> Part:
    return Polygon((ring(shape["points"]),))


_PARTS: Mapping[str, Callable[[Mapping[str, Any]], Part]] = {
    "polygon": _polygon,
    "oriented_rectangle": _polygon,
    "rectangle": _rectangle,
    "circle": _circle,
    "mask": _mask,
}
