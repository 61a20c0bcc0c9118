"""Shapes as annotations have them, and the images that they belong to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import DataError

Size = tuple[int, int]
"""Height and width in pixels."""
Ring = NDArray[np.float64]
"""The corners (n, 2) of a closed outline: x and y in pixels from the top left corner of the image."""

_FARTHEST = 2**31  # pixels from the corner of the image
_FEWEST = 3  # corners of an outline with an area
_ARC = 2.0  # pixels between the corners of an ellipse, at most
_MOST_CORNERS = 4096


@dataclass(frozen=True, eq=False)
class Polygon:
    """The points inside an odd number of rings: an outline, and its holes."""

    rings: tuple[Ring, ...]


@dataclass(frozen=True, eq=False)
class Patch:
    """The pixels of a rectangle that belong to an object.

    Attributes:
        pixels: (h, w).
        top: the row of its first pixel in the image.
        left: the column.
    """

    pixels: NDArray[np.bool_]
    top: int = 0
    left: int = 0


Part = Polygon | Patch


@dataclass(frozen=True, eq=False)
class Shape:
    """One annotated object.

    Attributes:
        label: its class; empty: it has none.
        parts: what belongs to it; empty: it has no area.
        kind: what it is instead if it has no area, such as `"line"`.
    """

    label: str
    parts: tuple[Part, ...]
    kind: str = ""


@dataclass(frozen=True)
class AnnotatedImage:
    """An image with annotations.

    Attributes:
        image: its file; that of its annotations if these embed it.
        file: that of its annotations.
        read: the objects, given the size of the image; raises DataError if they cannot be read.
        size: that of the image by its annotations; None: not stated.
        split: as of `Entry`.
        embedded: the bytes of the image as its format has them, if annotations embed it; None: they do not.
    """

    image: Path
    file: Path
    read: Callable[[Size], Sequence[Shape]]
    size: Size | None = None
    split: str = ""
    embedded: Callable[[], bytes] | None = None


@dataclass(frozen=True)
class Annotations:
    """All annotations of a data set.

    Attributes:
        images: in the order of their entries.
        labels: the classes in their order, without repetitions; empty ones stand for shapes without a class.
        problems: as of `Source`.
    """

    images: tuple[AnnotatedImage, ...]
    labels: tuple[str, ...]
    problems: tuple[str, ...] = ()


def ring(points: object) -> Ring:
    """A ring of points [[x, y], ...] or [x, y, x, y, ...]; what follows y is dropped, as the height in GeoJSON.

    Raises:
        DataError: they are not numbers of pixels, or fewer than three points.
    """
    try:
        values = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("an outline is not a list of numbers") from error
    if values.ndim == 1 and values.size % 2 == 0:
        values = values.reshape(-1, 2)
    if values.ndim != 2 or values.shape[1] < 2 or len(values) < _FEWEST:
        raise DataError(
            f"an outline needs at least {_FEWEST} points of x and y, got numbers of the shape {values.shape}"
        )
    if not (np.abs(values[:, :2]) <= _FARTHEST).all():
        raise DataError("an outline has coordinates that are not finite, or far from any image")
    return values[:, :2]


def rectangle(left: float, top: float, right: float, bottom: float, *, angle: float = 0) -> Ring:
    """The ring of a rectangle, turned clockwise around its center by an angle in degrees."""
    return _turned(ring([[left, top], [right, top], [right, bottom], [left, bottom]]), angle)


def ellipse(x: float, y: float, radius_x: float, radius_y: float, *, angle: float = 0) -> Ring:
    """The ring of an ellipse around (x, y), likewise turned."""
    arc = 2 * np.pi * max(abs(radius_x), abs(radius_y)) / _ARC
    turns = np.linspace(0, 2 * np.pi, int(np.clip(arc if np.isfinite(arc) else 0, 64, _MOST_CORNERS)), endpoint=False)
    return _turned(ring(np.stack([x + radius_x * np.cos(turns), y + radius_y * np.sin(turns)], axis=1)), angle)


def joined(shapes: Iterable[tuple[Shape, tuple[str, object]]]) -> list[Shape]:
    """Shapes of one label and one group joined into one object each; None is no group."""
    objects: list[Shape] = []
    place_of: dict[tuple[str, object], int] = {}
    for shape, key in shapes:
        place = place_of.setdefault(key, len(objects)) if key[1] is not None and shape.parts else len(objects)
        if place == len(objects):
            objects.append(shape)
        else:
            objects[place] = Shape(shape.label, objects[place].parts + shape.parts)
    return objects


def _turned(corners: Ring, angle: float) -> Ring:
    if not angle:
        return corners
    center = (corners.min(0) + corners.max(0)) / 2
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned: Ring = (corners - center) @ np.array([[cosine, sine], [-sine, cosine]]) + center
    return turned
