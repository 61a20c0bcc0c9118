"""The units of tables of objects: that of the caller's pixel size, else those of the files."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.pixel_size import PixelSize, read_pixel_size
from unetzoo._utils.units import meters_of
from unetzoo.data.formats.grid import BODY, Grid
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.pixels import pixel_sizes
from unetzoo.data.formats.slices import open_volume
from unetzoo.errors import DataWarning
from unetzoo.inference.files.jobs import Image, grid_of
from unetzoo.inference.files.volumes import volume_file

_SQUARE = 1.01  # ratio of the sides of a pixel
_OF_BODIES = "mm"  # where a file leaves the unit open


@dataclass(frozen=True, eq=False)
class Metric:
    """In which units the objects of an image are measured, besides pixels.

    Attributes:
        pixel_size: of its pixels, or voxels; None: in pixels alone.
        to_space: (3, 4), maps (slice, row, column, 1) to the coordinates of the file; None: there are none.
        unit: of these.
    """

    pixel_size: PixelSize | None = None
    to_space: NDArray[np.float64] | None = None
    unit: str = ""


IN_PIXELS = Metric()


def metrics_of(images: Sequence[Image], pixel_size: str | None, axes: int = 2) -> list[Metric]:
    """The units in which the objects of images are measured, the same for all.

    Warns if the size of pixels is known of some images alone, or if pixels are not squares, and if some volumes alone
    have coordinates.

    Args:
        images: of a table.
        pixel_size: that of all images, such as `"0.5um"`; None: that of the files.
        axes: 3 for volumes.

    Raises:
        DataError: an image cannot be read.
        OptionError: `pixel_size` is not a length.
    """
    said = read_pixel_size(pixel_size) if pixel_size is not None else None
    if axes == 2:
        sizes = [said] * len(images) if said else _sizes(images, [grid_of(image) for image in images])
        return list(map(Metric, sizes))
    grids = list(map(grid_of_volume, images))
    sizes = [said] * len(images) if said else _sizes(images, grids, AXES)
    return list(map(Metric, sizes, *_places(images, grids)))


def grid_of_volume(image: Image) -> Grid:
    """The grid of a volume; lengths in a body of which no unit is stated are millimeters, as viewers take them."""
    with open_volume(volume_file(image)) as raster:
        grid = raster.grid
    if grid.crs != BODY or any(axis.unit for axis in grid.axes):
        return grid
    return replace(grid, axes=tuple(axis._replace(unit=_OF_BODIES) for axis in grid.axes))


def _sizes(images: Sequence[Image], grids: Sequence[Grid], axes: Sequence[str] = AXES[1:]) -> list[PixelSize | None]:
    """The size of the pixels of each image, in a unit of all; None for all images where there is no such unit."""
    noun = "voxels" if len(axes) == 3 else "pixels"
    sizes, unit = pixel_sizes(grids, axes=axes)
    stated = [bool(pixel_sizes([grid], axes=axes)[1]) for grid in grids]
    if not unit:
        if any(stated):
            _warn(f"the tables are in {noun} alone", images[stated.index(False)], f"states no size of its {noun}")
        return [None] * len(images)
    if len(axes) == 3:
        return [PixelSize(tuple(steps), unit) for steps in sizes.tolist()]
    ratios = sizes.max(axis=1) / sizes.min(axis=1)
    if (ratios > _SQUARE).any():
        height, width = sizes[number := int(np.argmax(ratios))]
        reason = f"has pixels of {height:g} x {width:g} {unit}, which are not squares"
        _warn("the tables are in pixels alone", images[number], reason)
        return [None] * len(images)
    return [PixelSize((float(length),), unit) for length in np.sqrt(sizes.prod(axis=1))]


def _places(images: Sequence[Image], grids: Sequence[Grid]) -> tuple[list[NDArray[np.float64] | None], list[str]]:
    """The matrix of each volume to the coordinates of its file, and their unit; None where not all have them."""
    stated = [len(grid.affine) == 3 and meters_of(grid.axes[0].unit) is not None for grid in grids]
    if not all(stated):
        if any(stated):
            warnings.warn(
                f"the table has no places in space: {images[stated.index(False)]} states none",
                DataWarning,
                stacklevel=2,
            )
        return [None] * len(grids), [""] * len(grids)
    unit = grids[0].axes[0].unit
    ratios = [(meters_of(grid.axes[0].unit) or 1.0) / (meters_of(unit) or 1.0) for grid in grids]
    return [np.array(grid.affine) * ratio for grid, ratio in zip(grids, ratios, strict=True)], [unit] * len(grids)


def _warn(result: str, image: Image, reason: str) -> None:
    warnings.warn(
        f"{result}: {image} {reason}; pixel_size (--pixel-size) sets one for all images", DataWarning, stacklevel=2
    )
