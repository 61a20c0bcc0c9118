"""YOLO: a text file for each image, a polygon a line: the number of its class, then x and y as shares of the size.

Source: https://docs.ultralytics.com/datasets/segment/. The names of the classes are those of data.yaml, classes.txt or
obj.names. Lines with four numbers are boxes, which are not outlines.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo.data.annotations.documents import explained, read_text
from unetzoo.data.annotations.images import ImageFiles, split_of
from unetzoo.data.annotations.shapes import AnnotatedImage, Annotations, Polygon, Shape, Size, ring
from unetzoo.data.sources.listing import list_files
from unetzoo.errors import DataError, describe_error

_BOX = 4  # numbers behind the class
_FEWEST = 6
_TOLERANCE = 0.01  # of the size, by which rounded numbers leave the image
_LONGEST = 2**20  # letters of a line that shows whether a file is of this format
Row = tuple[int, list[float]]
_LISTS = ("classes.txt", "obj.names")


def is_yolo(file: Path) -> bool:
    """Whether the lines of a text file are those of YOLO's format."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            first = next(filter(str.strip, iter(lambda: stream.readline(_LONGEST), "")), "")
        return bool(first) and bool(_row(first))
    except (OSError, ValueError):
        return False


def read_yolo(files: Sequence[Path], images: ImageFiles) -> Annotations:
    """The annotations of YOLO's files, each of which has the name of its image.

    Raises:
        DataError: one is not as the format says, or there are no names for its classes.
    """
    names = _class_names(images.folder)
    stems = {path.stem for path in images.paths}
    texts = list_files(images.folder, (".txt",)).images  # also those without a line, of images without objects
    pairs, problems = images.by_file(sorted({*files, *(path for path in texts if path.stem in stems)}))
    annotated = []
    rows: list[Row] = []
    for image, (file, *others) in pairs.items():
        if others:
            raise DataError(f"{images.shown(image)} has several files of annotations: {file} and {others[0]}")
        rows += _rows(file)
        read = partial(_read, file, names)
        annotated.append(AnnotatedImage(image, file, read, split=split_of(image, images.folder)))
    if rows and all(len(values) == _BOX for _, values in rows):
        raise DataError(f"{images.folder}: YOLO's files there hold boxes alone, not the outlines of objects")
    numbers = sorted({*names, *range(1 + max((number for number, _ in rows), default=-1))})
    labels = tuple(names.get(number, f"class {number}") for number in numbers)
    return Annotations(tuple(annotated), labels, tuple(problems))


def _read(file: Path, names: Mapping[int, str], size: Size) -> list[Shape]:
    with explained(file):
        return [_shape(names.get(number, f"class {number}"), values, size) for number, values in _rows(file)]


def _shape(label: str, values: Sequence[float], size: Size) -> Shape:
    if len(values) == _BOX:
        return Shape(label, (), "box")
    return Shape(label, (Polygon((ring(np.reshape(values, (-1, 2)) * np.array(size[::-1])),)),))


def _rows(file: Path) -> list[Row]:
    """The class and the numbers of each line.

    Raises:
        DataError: a line is not as the format says.
    """
    rows = []
    for line, text in enumerate(read_text(file).splitlines(), start=1):
        try:
            rows += [_row(text)] if text.strip() else []
        except DataError as error:
            raise DataError(f"{file}, line {line} {error}: {text[:60]!r}") from error
    return rows


def _row(text: str) -> Row:
    """The class and the numbers of a line; raises DataError if it is not as the format says."""
    try:
        number, *values = int(text.split()[0]), *map(float, text.split()[1:])
    except ValueError as error:
        raise DataError("does not hold a class and numbers") from error
    if len(values) != _BOX and (len(values) < _FEWEST or len(values) % 2):
        raise DataError(f"has {len(values)} numbers behind its class, which are not points")
    if number < 0 or not all(-_TOLERANCE <= value <= 1 + _TOLERANCE for value in values):
        raise DataError("holds numbers outside of 0 to 1")
    return number, values


def _class_names(folder: Path) -> dict[int, str]:
    """The names of the classes by number; none if no file has them."""
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if names := _names_in_yaml(path):
            return names
    for name in _LISTS:
        if (path := folder / name).is_file():
            return dict(enumerate(line.strip() for line in read_text(path).splitlines() if line.strip()))
    return {}


def _names_in_yaml(path: Path) -> dict[int, str]:
    import yaml

    try:
        document: Any = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(f"{path} is not valid YAML: {describe_error(error)}") from error
    names = document.get("names") if isinstance(document, dict) else None
    with explained(path):
        pairs = enumerate(names) if isinstance(names, list) else (names or {}).items()
        return {int(number): str(name) for number, name in pairs}
