"""Where the pixels of an image lie on the ground or under the microscope: the grid that a result shares with it."""

from dataclasses import dataclass
from typing import NamedTuple


class GeoTag(NamedTuple):
    """A tag of a GeoTIFF (OGC 19-008r4), as the file has it.

    Attributes:
        code: 33550, 33922, 34264 (the transform), 34735, 34736 or 34737 (the coordinate system).
        dtype: TIFF's number of its type: 2 for text, 3 for short integers, 12 for doubles.
        value: text, or numbers.
    """

    code: int
    dtype: int
    value: str | tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """Where the pixels of an image lie, as its file says it.

    Attributes:
        geo: tags of GeoTIFF; empty: the image has no place on the ground.
        resolution: pixels per unit along x and y; None: not stated.
        unit: of the resolution, as TIFF's tag 296: 1: none, 2: inch, 3: centimeter.
    """

    geo: tuple[GeoTag, ...] = ()
    resolution: tuple[float, float] | None = None
    unit: int = 1


NO_GRID = Grid()
