"""CVAT: the file annotations.xml of an export 'CVAT for images 1.1'.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/. Shapes of one label and one group are one
object; shapes are drawn by their z_order.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

from unetzoo.data.annotations.documents import explained, read_xml, stated_size
from unetzoo.data.annotations.images import ImageFiles, split_of
from unetzoo.data.annotations.rle import decode_rows
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
from unetzoo.data.sources.folders import SPLIT_FOLDERS
from unetzoo.data.sources.source import Finding, sentences
from unetzoo.errors import DataError

_WITHOUT_AREA = ("polyline", "points", "cuboid", "skeleton")


def is_cvat(root: Element) -> bool:
    """Whether the root of an XML file is that of CVAT's format, for images or for videos."""
    return root.tag == "annotations" and (root.find("image") is not None or root.find("track") is not None)


def read_cvat(files: Sequence[Path], images: ImageFiles) -> Annotations:
    """The annotations of CVAT's files.

    Raises:
        DataError: one is not as the format says, or is of a video.
    """
    annotated: list[AnnotatedImage] = []
    labels: dict[str, None] = {}
    failures: list[Finding] = []
    for file in files:
        with explained(file):
            root = read_xml(file)
            if root.find("track") is not None:
                raise DataError("it holds tracks of a video: export it from CVAT as 'CVAT for images 1.1'")
            rows = root.findall("image")
            named = [str(name.text) for name in root.iterfind("meta//label/name") if name.text]
            labels |= dict.fromkeys([*named, *(shape.attrib["label"] for row in rows for shape in _shapes_in(row))])
            for row in rows:
                try:
                    annotated.append(_image(row, file, images))
                except DataError as error:
                    failures.append(Finding(images.shown(file), f": {error}"))
    return Annotations(tuple(annotated), tuple(labels), tuple(sentences(failures)))


def _shapes_in(row: Element) -> list[Element]:
    return [child for child in row if child.tag in _PARTS or child.tag in _WITHOUT_AREA]


def _image(row: Element, file: Path, images: ImageFiles) -> AnnotatedImage:
    image = images.named(row.attrib["name"], file)
    size = stated_size(row.get("height"), row.get("width"))
    split = SPLIT_FOLDERS.get(row.get("subset", "").lower(), "") or split_of(image, images.folder)
    return AnnotatedImage(image, file, partial(_read, file, row), size, split)


def _read(file: Path, row: Element, _: Size) -> list[Shape]:
    with explained(file):
        shapes = sorted(_shapes_in(row), key=lambda shape: int(shape.get("z_order", 0)))
        return joined((_shape(shape), (shape.attrib["label"], _group(shape))) for shape in shapes)


def _group(shape: Element) -> str | None:
    return None if shape.get("group_id", "0") == "0" else shape.get("group_id")


def _shape(shape: Element) -> Shape:
    label = shape.attrib["label"]
    if shape.tag not in _PARTS:
        return Shape(label, (), shape.tag)
    try:
        return Shape(label, (_PARTS[shape.tag](shape.attrib),))
    except DataError as error:
        raise DataError(f"a {shape.tag} of {label!r}: {error}") from error


def _polygon(values: Mapping[str, str]) -> Part:
    return Polygon((ring([[float(each) for each in point.split(",")] for point in values["points"].split(";")]),))


def _box(values: Mapping[str, str]) -> Part:
    left, top, right, bottom = (float(values[side]) for side in ("xtl", "ytl", "xbr", "ybr"))
    return Polygon((rectangle(left, top, right, bottom, angle=float(values.get("rotation", 0))),))


def _ellipse(values: Mapping[str, str]) -> Part:
    x, y, radius_x, radius_y = (float(values[name]) for name in ("cx", "cy", "rx", "ry"))
    return Polygon((ellipse(x, y, radius_x, radius_y, angle=float(values.get("rotation", 0))),))


def _mask(values: Mapping[str, str]) -> Part:
    """Run lengths along the rows of a rectangle."""
    left, top, width, height = (int(float(values[name])) for name in ("left", "top", "width", "height"))
    counts = [int(count) for count in re.split(r"\s*,\s*", values["rle"].strip())]
    return Patch(decode_rows(counts, (height, width)), top, left)


_PARTS: Mapping[str, Callable[[Mapping[str, str]], Part]] = {
    "polygon": _polygon,
    "box": _box,
    "ellipse": _ellipse,
    "mask": _mask,
}
