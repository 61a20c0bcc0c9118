"""The pixels of objects, object after object: sums, extremes and perimeters of all objects at once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
_NEIGHBORS = ((-1, 0), (1, 0), (0, -1), (0, 1))
_DIAGONALS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True)
class ObjectPixels:
    """The pixels (p,) of n objects, object after object, in each from top to bottom and left to right.

    Those of a volume are voxels, its first axis is that of slices.

    Attributes:
        ids: number of each pixel's object in some rows (rows, w) or slices (slices, h, w), 0 where there is none.
        numbers: of the objects (n,), ascending.
        places: of the pixels in the rows, `row * w + column`.
        along: where the pixels are along each axis, counted from the top of the image.
        starts: where each object begins (n,).
        areas: pixels of each object (n,).
    """

    ids: NDArray[np.integer]
    numbers: Indices
    places: Indices
    along: tuple[Indices, ...]
    starts: Indices
    areas: Indices

    @cached_property
    def owners(self) -> Indices:
        """The object of each pixel, 0 to n - 1."""
        return np.repeat(np.arange(len(self.numbers)), self.areas)

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The sum (n,) of the values (p,) of each object."""
        return np.bincount(self.owners, values, minlength=len(self.numbers)).astype(np.float64, copy=False)


def pixels_of(ids: NDArray[np.integer], top: int = 0) -> ObjectPixels:
    """The pixels of objects.

    Args:
        ids: number of each pixel's object (rows, w) or (slices, h, w); 0 or less: none.
        top: the row of the image, or the slice of the volume, in which they begin.
    """
    known = np.maximum(ids, 0) if ids.dtype.kind == "i" else ids
    places = np.flatnonzero(known)
    of_pixels = known.reshape(-1)[places]
    order = np.argsort(of_pixels, kind="stable")
    numbers, starts, areas = np.unique(of_pixels[order], return_index=True, return_counts=True)
    places = places[order]
    first, *others = np.unravel_index(places, ids.shape)
    return ObjectPixels(known, numbers.astype(np.int64), places, (first + top, *others), starts, areas)


def perimeters(pixels: ObjectPixels) -> NDArray[np.float64]:
    """The length (n,) of a line through the centers of the pixels at the edge of each object of an image.

    It is `skimage.measure.perimeter`'s estimate (Benkrid and Crookes 2000): a pixel at the edge counts by how it
    continues to others, with 1, the square root of 2, or their mean.
    """
    padded = np.pad(pixels.ids, 1)
    width = padded.shape[1]
    centers = pixels.places + 2 * (pixels.places // max(1, width - 2)) + width + 1  # in the padded rows
    flat = padded.reshape(-1)
    inside = np.ones(len(centers), bool)
    for row, column in _NEIGHBORS:
        inside &= flat[centers + row * width + column] == flat[centers]
    edges = flat.copy()
    edges[centers[inside]] = 0
    code = np.zeros(len(centers), np.int64)
    for weight, steps in ((1, _NEIGHBORS), (5, _DIAGONALS)):
        for row, column in steps:
            code += weight * (edges[centers + row * width + column] == flat[centers])
    lengths = np.zeros(25)  # by the number of neighbors at the edge, and five times that of diagonal ones
    lengths[[2, 3, 7, 8, 12, 13]] = 1
    lengths[[10, 16]] = np.sqrt(2)
    lengths[[6, 11]] = (1 + np.sqrt(2)) / 2
    return pixels.sums(np.where(inside, 0, lengths[code]))
