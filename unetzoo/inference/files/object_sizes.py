"""The size of the pixels in tables of objects: the one that the caller says, else that of the files."""

import warnings
from collections.abc import Sequence

import numpy as np

from unetzoo._utils.pixel_size import PixelSize, read_pixel_size
from unetzoo.data.formats.pixels import pixel_sizes
from unetzoo.errors import DataWarning
from unetzoo.inference.files.jobs import Image, grid_of

_SQUARE = 1.01  # ratio of the sides of a pixel


def sizes_in_tables(images: Sequence[Image], pixel_size: str | None) -> list[PixelSize | None]:
    """The size of the pixels of each image, in a unit of all; None for all images where there is no such unit.

    Warns if the size is known of some images alone, or if pixels are not squares.

    Args:
        images: of a table.
        pixel_size: that of all images, such as `"0.5um"`; None: that of the files.

    Raises:
        DataError: an image cannot be read.
        OptionError: `pixel_size` is not a length.
    """
    if pixel_size is not None:
        return [read_pixel_size(pixel_size)] * len(images)
    grids = [grid_of(image) for image in images]
    sizes, unit = pixel_sizes(grids)
    stated = [bool(pixel_sizes([grid])[1]) for grid in grids]
    if not unit:
        if any(stated):
            _warn(images[stated.index(False)], "states no size of its pixels")
        return [None] * len(images)
    ratios = sizes.max(axis=1) / sizes.min(axis=1)
    if (ratios > _SQUARE).any():
        height, width = sizes[number := int(np.argmax(ratios))]
        _warn(images[number], f"has pixels of {height:g} x {width:g} {unit}, which are not squares")
        return [None] * len(images)
    return [PixelSize(float(length), unit) for length in np.sqrt(sizes.prod(axis=1))]


def _warn(image: Image, reason: str) -> None:
    warnings.warn(
        f"the tables are in pixels alone: {image} {reason}; pixel_size (--pixel-size) sets one for all images",
        DataWarning,
        stacklevel=2,
    )
