"""Annotated images as a source: their masks are drawn when they are asked for."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.annotations.documents import explained
from unetzoo.data.annotations.images import ImageFiles
from unetzoo.data.annotations.raster import Drawing, draw
from unetzoo.data.annotations.shapes import AnnotatedImage, Annotations, Shape
from unetzoo.data.annotations.table import read_annotations
from unetzoo.data.formats.content import Content, Glance, Known, Pixels, turned
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.read import decode, glance_at, open_content, upright_image
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.sources.source import Entry, Source
from unetzoo.errors import DataError
from unetzoo.nn.coding import IGNORED, UNKNOWN

_BACKGROUND = ("background", "_background_")  # in lower case; the second is LabelMe's
_IGNORED = ("__ignore__", "ignore*")  # LabelMe's and QuPath's
_BYTES = 10  # of memory for each pixel that is drawn


class AnnotationSource(Source):
    """Images with annotations.

    By default a mask holds class ids: 0 for the background, then the labels in their order; `UNKNOWN` where a shape
    says that pixels do not count.

    Args:
        annotations: of all images.
        images: the files of images, by whose folder entries are named.
        numbered: masks hold the numbers of objects from 1 instead, and `IGNORED` where pixels do not count.
        in_planes: masks have a plane for each label instead, which may overlap.

    Raises:
        DataError: an image is annotated twice, or none is.
    """

    def __init__(
        self, annotations: Annotations, images: ImageFiles, *, numbered: bool = False, in_planes: bool = False
    ) -> None:
        _check(annotations, images)
        names, self._class_of = _classes(annotations.labels)
        self._planes = len(names) - 1 if in_planes else 0
        entries = [Entry(images.shown(each.image), each.split) for each in annotations.images]
        declared = MaskOptions(names[1:], "overlapping") if in_planes else None
        if in_planes or (numbered and len(names) != 2):
            names = ()
        super().__init__(entries, class_names=names, problems=annotations.problems, declared=declared)
        self._annotations = annotations
        self._images = images
        self._is_numbered = numbered
        self._doubts: dict[int, tuple[str, ...]] = {}

    def numbered(self) -> Source:
        """The same images with masks that number the objects."""
        return AnnotationSource(self._annotations, self._images, numbered=True)

    def in_planes(self) -> Source:
        """The same images with masks of a plane a label."""
        return AnnotationSource(self._annotations, self._images, in_planes=True)

    def image(self, index: int) -> Pixels:
        """The image (h, w, c) of an entry, upright."""
        record = self._annotations.images[index]
        with _content(record) as content:
            return upright_image(decode(content, "image", Known(size=record.size)), content.name)

    def raw_mask(self, index: int) -> RawMask:
        """The mask (h, w) of an entry, or its planes (h, w, labels)."""
        if self._planes:
            return RawMask(self._draw_planes(index))
        numbers, classes = self._draw(index)
        return RawMask(numbers if self._is_numbered else classes)

    @property
    def knows_objects(self) -> bool:
        """True: each shape is an object."""
        return True

    def instances(self, index: int) -> NDArray[Any]:
        """The numbers (h, w) of an entry's objects, 0 for the background."""
        numbers, _ = self._draw(index)
        return np.where(numbers == IGNORED, 0, numbers)

    def image_file(self, index: int) -> Path | None:
        """The path of an entry's image; None for one that annotations embed."""
        record = self._annotations.images[index]
        return None if record.embedded else record.image

    def file_names(self, index: int) -> Sequence[str]:
        """The paths of the image and of its annotations."""
        record = self._annotations.images[index]
        return str(record.image), str(record.file)

    def doubts(self, index: int) -> Sequence[str]:
        """What is doubtful about the annotations of an entry."""
        if index not in self._doubts:
            try:
                self.raw_mask(index)
            except DataError:  # reading reports it
                return ()
        return self._doubts[index]

    def _draw(self, index: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """The numbers (h, w) of the objects, and the class ids."""
        record, seen = self._annotations.images[index], self._look(index)
        size, orientation = _frame(record, seen)
        check_memory(str(record.image), _BYTES * size[0] * size[1])
        with explained(record.file):
            shapes = record.read(size)
            drawing = draw(shapes, size)
        self._doubts[index] = tuple(_doubts(shapes, drawing, is_turned=seen.orientation != 1 and orientation == 1))
        classes = np.array([0, *(self._class_of[shape.label] for shape in shapes)], np.uint8)
        numbers = _numbers(classes)[drawing.ids]
        return turned(numbers, orientation), turned(classes[drawing.ids], orientation)

    def _draw_planes(self, index: int) -> NDArray[np.uint8]:
        """The planes (h, w, labels) of 0 and 1, `UNKNOWN` where pixels do not count."""
        record, seen = self._annotations.images[index], self._look(index)
        size, orientation = _frame(record, seen)
        check_memory(str(record.image), (_BYTES + self._planes) * size[0] * size[1])
        planes, unknown = np.zeros((*size, self._planes), np.uint8), np.zeros(size, bool)
        doubts = dict[str, None]()
        with explained(record.file):
            shapes = record.read(size)
            for class_id in {self._class_of[shape.label] for shape in shapes} - {0}:
                chosen = [shape for shape in shapes if self._class_of[shape.label] == class_id]
                drawing = draw(chosen, size)
                is_turned = seen.orientation != 1 and orientation == 1
                doubts |= dict.fromkeys(_doubts(chosen, drawing, is_turned=is_turned, may_overlap=True))
                if class_id == UNKNOWN:
                    unknown = drawing.ids > 0
                else:
                    planes[..., class_id - 1] = drawing.ids > 0
        planes[unknown] = UNKNOWN
        self._doubts[index] = tuple(doubts)
        return turned(planes, orientation)

    def _look(self, index: int) -> Glance:
        """The size and orientation of an image; that of an array shows when it is read."""
        with _content(self._annotations.images[index]) as content:
            seen = glance_at(content)
        if all(seen.size):
            return seen
        height, width = self.image(index).shape[:2]
        return Glance((height, width))


@contextmanager
def _content(record: AnnotatedImage) -> Iterator[Content]:
    """The bytes of an image, of its file or of that of its annotations."""
    if record.embedded is None:
        with open_content(record.image) as content:
            yield content
    else:
        data = record.embedded()
        yield Content(io.BytesIO(data), len(data), f"{record.file}, its image,")


def open_annotations(path: Path, name: str = "") -> AnnotationSource | None:
    """The annotated images of a folder or file, see `read_annotations`; None if there are none."""
    annotated = read_annotations(path, name)
    return AnnotationSource(*annotated) if annotated else None


def _check(annotations: Annotations, images: ImageFiles) -> None:
    if not annotations.images:
        first = f": {annotations.problems[0]}" if annotations.problems else ""
        raise DataError(f"{images.folder} has no image with annotations{first}")
    (image, count), *_ = Counter(each.image for each in annotations.images).most_common(1)
    if count > 1:
        files = sorted({str(each.file) for each in annotations.images if each.image == image})
        raise DataError(f"{images.shown(image)} is annotated {count} times, in {' and '.join(files)}: keep one of them")


def _classes(labels: Sequence[str]) -> tuple[Sequence[str], dict[str, int]]:
    """The names of the classes, and the class id of each label.

    Raises:
        DataError: there are too many.
    """
    names = ["background"]
    class_of = {}
    for label in labels:
        if label.lower() in _BACKGROUND:
            class_of[label] = 0
        elif label.lower() in _IGNORED:
            class_of[label] = UNKNOWN
        else:
            class_of[label] = len(names)
            names.append(label or ("foreground" if len(labels) == 1 else "unclassified"))
    if len(names) > UNKNOWN:
        raise DataError(f"the annotations have {len(names) - 1:,} classes; at most {UNKNOWN - 1} can be read")
    return names if len(names) > 1 else [*names, "foreground"], class_of


def _numbers(classes: NDArray[np.uint8]) -> NDArray[Any]:
    """The number of each object by its place: 0 for one of the background, `IGNORED` for one that does not count."""
    numbers = np.arange(len(classes))
    numbers[classes == 0] = 0
    numbers[classes == UNKNOWN] = IGNORED
    smallest = np.min_scalar_type(int(numbers.max())) if numbers.min() == 0 else np.dtype(np.int32)
    return numbers.astype(smallest)


def _frame(record: AnnotatedImage, seen: Glance) -> tuple[tuple[int, int], int]:
    """The size in which annotations are drawn, and how the drawing is then turned.

    Raises:
        DataError: they are of an image of another size.
    """
    upright = seen.size[::-1] if seen.is_lying else seen.size
    if record.size is None or record.size == upright:
        return upright, 1
    if record.size == seen.size:
        return seen.size, seen.orientation
    stated, own = (" x ".join(map(str, size)) for size in (record.size, upright))
    raise DataError(
        f"{record.image} has {own} pixels (height x width), but its annotations in {record.file.name} are of {stated}: "
        "annotate this image, or store it in the size that was annotated"
    )


def _doubts(shapes: Sequence[Shape], drawing: Drawing, *, is_turned: bool, may_overlap: bool = False) -> Iterator[str]:
    left = np.bincount(drawing.ids.reshape(-1), minlength=len(shapes) + 1)[1:]
    kinds = sorted({shape.kind for shape in shapes if shape.kind})
    if kinds:
        yield f"its annotations of the kind {', '.join(kinds)} have no area, and are left out"
    if any(not size and not shape.kind for size, shape in zip(drawing.sizes, shapes, strict=True)):
        yield "some of its objects cover no pixel"
    if drawing.overlap and not may_overlap:
        yield "its objects overlap; pixels of several belong to the last of them" + _advice(shapes)
    if not may_overlap and any(size and not count for size, count in zip(drawing.sizes, left.tolist(), strict=True)):
        yield "some of its objects are covered by later ones"
    if drawing.beyond:
        yield "some of its objects reach beyond the image, and are cut off"
    if drawing.crossed:
        yield "some outlines cross themselves; what they enclose twice is outside"
    if is_turned:
        yield (
            "its orientation tag turns the image; its annotations are taken for drawn on the turned image, as viewers "
            "show it"
        )


def _advice(shapes: Sequence[Shape]) -> str:
    """How overlaps of several labels are kept."""
    labels = {shape.label for shape in shapes}
    return "; masks='overlapping' (--masks overlapping) keeps those of several classes" if len(labels) > 1 else ""
