"""Where the pixels of an image lie on the ground, under the microscope or in the body: a result shares the grid."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

Affine: TypeAlias = tuple[tuple[float, ...], ...]


class Axis(NamedTuple):
    """An axis of space.

    Attributes:
        name: `"z"`, `"y"` or `"x"`: slices, rows and columns.
        step: distance of neighboring pixels along it, > 0, in `unit`; None: not stated.
        unit: of length, such as `"um"`, `"mm"`, `"m"` or `"degree"`; empty: not stated.
    """

    name: str
    step: float | None = None
    unit: str = ""


class Key(NamedTuple):
    """An entry of a file's header that its own format alone understands, to be written into a result of that format.

    Attributes:
        format: whose it is, such as `"tiff"`; writers skip those of other formats.
        name: of the entry, such as the number of a tag.
        value: of plain data: numbers, text, bytes and tuples of them.
    """

    format: str
    name: str | int
    value: Any


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where the pixels of an image lie, as its file says it.

    Attributes:
        axes: those of space in the order of the array, (y, x) or (z, y, x); empty: the file says nothing of them. An
            image (h, w, c) whose channels are slices may have z, too.
        affine: the first rows of the matrix that maps (row, column, 1) or (slice, row, column, 1) of the array to (x,
            y) or (x, y, z) in the coordinate system, at the centers of pixels; empty: not stated.
        crs: the coordinate system as WKT or as an authority's code, such as `"EPSG:32633"`; `BODY` for the directions
            of a patient; empty: not stated, or only in `keys`.
        nodata: values of pixels that stand for no data.
        bands: names of the channels; empty: not stated.
        keys: what else the file says of the grid in terms of its own format.
    """

    axes: tuple[Axis, ...] = ()
    affine: Affine = ()
    crs: str = ""
    nodata: tuple[float, ...] = ()
    bands: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()

    @property
    def has_place(self) -> bool:
        """Whether the pixels have a place in a coordinate system, which a format without a grid loses."""
        return bool(self.affine or self.crs)


NO_GRID = Grid()
BODY = "RAS"
"""The coordinate system whose axes lead to the right, the front and the head of a patient."""


def grid_of_transform(transform: tuple[float, ...], *, unit: str = "", crs: str = "") -> Grid:
    """The grid of an image by the six numbers (a, b, c, d, e, f) that rasterio and world files use.

    The corner of the pixel at `row` and `column` is at x = a * column + b * row + c, y = d * column + e * row + f.

    Args:
        transform: the numbers.
        unit: of x and y.
        crs: as of `Grid`.
    """
    a, b, c, d, e, f = transform[:6]
    affine = ((b, a, c + (a + b) / 2), (e, d, f + (d + e) / 2))
    along_y, along_x = (b * b + e * e) ** 0.5, (a * a + d * d) ** 0.5
    axes = (Axis("y", along_y or None, unit), Axis("x", along_x or None, unit))
    return Grid(axes=axes, affine=affine, crs=crs)


def transform_of(grid: Grid) -> tuple[float, float, float, float, float, float]:
    """The six numbers of `grid_of_transform` of an image's grid that has an affine."""
    (b, a, x), (e, d, y) = grid.affine
    return a, b, x - (a + b) / 2, d, e, y - (d + e) / 2


def coarser(grid: Grid, factors: tuple[float, ...]) -> Grid:
    """The grid of a level of which each pixel covers so many pixels along each axis of space; without `keys`.

    Factors of rows and columns alone leave the step of slices as it is.
    """
    along = (1.0,) * (len(grid.axes) - len(factors)) + factors
    axes = tuple(
        axis._replace(step=axis.step and axis.step * factor) for axis, factor in zip(grid.axes, along, strict=False)
    )
    affine = tuple(
        (
            *(value * factor for value, factor in zip(row, factors, strict=False)),
            row[-1] + sum(value * (factor - 1) / 2 for value, factor in zip(row, factors, strict=False)),
        )
        for row in grid.affine
    )
    return replace(grid, axes=axes, affine=affine, keys=())
