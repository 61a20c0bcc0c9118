"""The table of annotation formats, and which of them a folder or a file holds: by content, never by a guess."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unetzoo.data.annotations.coco import is_coco, read_coco
from unetzoo.data.annotations.cvat import is_cvat, read_cvat
from unetzoo.data.annotations.documents import read_json, read_xml
from unetzoo.data.annotations.imagej import is_imagej, read_imagej
from unetzoo.data.annotations.images import ImageFiles
from unetzoo.data.annotations.labelme import is_labelme, read_labelme
from unetzoo.data.annotations.qupath import is_geojson, read_qupath
from unetzoo.data.annotations.shapes import Annotations
from unetzoo.data.annotations.single import folders_of_samples, read_single
from unetzoo.data.annotations.yolo import is_yolo, read_yolo
from unetzoo.data.sources.listing import list_files, list_images
from unetzoo.errors import DataError


@dataclass(frozen=True)
class AnnotationFormat:
    """How annotations of a format are recognized and read.

    Attributes:
        name: before a colon in front of a folder, it says that the folder holds this format.
        title: for people.
        fits: whether the content of a file, as its ending's reader gives it, is of this format.
        read: the annotations of its files.
        endings: of its files; empty: none, but folders of masks.
    """

    name: str
    title: str
    fits: Callable[[Any], bool]
    read: Callable[[Sequence[Path], ImageFiles], Annotations]
    endings: tuple[str, ...] = ()


ANNOTATION_FORMATS = (
    AnnotationFormat("coco", "COCO", is_coco, read_coco, (".json",)),
    AnnotationFormat("labelme", "LabelMe", is_labelme, read_labelme, (".json",)),
    AnnotationFormat("cvat", "CVAT XML", is_cvat, read_cvat, (".xml",)),
    AnnotationFormat("qupath", "QuPath's GeoJSON", is_geojson, read_qupath, (".geojson", ".json")),
    AnnotationFormat("imagej", "ROIs of ImageJ", is_imagej, read_imagej, (".zip", ".roi")),
    AnnotationFormat("yolo", "YOLO", is_yolo, read_yolo, (".txt",)),
    AnnotationFormat("single", "one mask file for each object", lambda _: False, read_single),
)

_READERS: dict[str, Callable[[Path], Any]] = {".json": read_json, ".geojson": read_json, ".xml": read_xml}
ENDINGS = tuple(dict.fromkeys(ending for format_ in ANNOTATION_FORMATS for ending in format_.endings))
"""Of files that may hold annotations."""
LISTS = (".yaml", ".yml")
"""Of files of YOLO that list the names of classes, and stand for their folder."""
_BY_NAME = {format_.name: format_ for format_ in ANNOTATION_FORMATS}


def is_annotation_file(path: Path) -> bool:
    """Whether a path is that of a file that may hold annotations, by its ending."""
    return path.suffix.lower() in (*ENDINGS, *LISTS) and path.is_file()


def named_format(text: str) -> tuple[str, str]:
    """The name of a format before a colon, empty if there is none, and the rest of the text."""
    name, colon, rest = text.partition(":")
    return (name, rest) if colon and name in _BY_NAME else ("", text)


def read_annotations(path: Path, name: str = "") -> tuple[Annotations, ImageFiles] | None:
    """The annotations of a folder, or of a single file.

    Args:
        path: of the folder, whose images may lie anywhere below it; or of a file, whose images lie below its folder,
            or below the one above; YOLO's data.yaml stands for its folder.
        name: of the format; empty: the one that there is.

    Returns:
        The annotations and the images; None if no name is given, and there are none.

    Raises:
        DataError: there are several formats, or none of the given name; or a file cannot be read.
    """
    if path.suffix.lower() in LISTS and path.is_file():
        path, name = path.parent, "yolo"
    files = list_files(path, ENDINGS).images if path.is_dir() else (path,)
    fitting = _fitting(path, files)
    if name and name not in fitting:
        others = f"; it holds {_listed(fitting)}" if fitting else ""
        raise DataError(f"{path} does not hold annotations of the format {_BY_NAME[name].title}{others}")
    if not fitting:
        return None
    if not name and len(fitting) > 1:
        ways = " or ".join(f"{name}:{path}" for name in fitting)
        raise DataError(f"{path} holds annotations of several formats, {_listed(fitting)}: say which, as {ways}")
    chosen = name or next(iter(fitting))
    images = ImageFiles(_folder_of(path))
    return _BY_NAME[chosen].read(fitting[chosen], images), images


def _fitting(path: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
    """The files of each format that has some, by its name."""
    fitting: dict[str, list[Path]] = {}
    for file in files:
        ending = file.suffix.lower()
        content = _READERS.get(ending, Path)(file)
        for format_ in ANNOTATION_FORMATS:
            if ending in format_.endings and format_.fits(content):
                fitting.setdefault(format_.name, []).append(file)
    if samples := folders_of_samples(path):
        fitting["single"] = samples
    return fitting


def _folder_of(path: Path) -> Path:
    if path.is_dir():
        return path
    return path.parent if list_images(path.parent).images else path.parent.parent


def _listed(fitting: dict[str, list[Path]]) -> str:
    return " and ".join(f"{_BY_NAME[name].title} ({files[0].name})" for name, files in fitting.items())
