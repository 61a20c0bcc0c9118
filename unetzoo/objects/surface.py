"""The surfaces of the objects of a volume, all at once."""

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import need_objects
from unetzoo.objects.pixels import ObjectPixels

_AROUND = tuple(product((-1, 0, 1), repeat=3))  # a voxel and its 26 neighbors
_CORNERS = tuple(product((0, 1), repeat=3))


def surfaces(pixels: ObjectPixels, steps: tuple[float, ...]) -> NDArray[np.float64]:
    """The area (n,) of the surface of each object of a volume, in the square of the unit of `steps`.

    It is that of scikit-image's `marching_cubes` at 0.5, closed where an object touches the border: the sum over all
    cubes of eight neighboring voxels of the area that the surface has in a cube, by which of its corners are of the
    object. The corners of an object share the area of a cube.

    Args:
        pixels: of the objects.
        steps: the sides of a voxel, along the axes of the array.

    Raises:
        MissingExtraError: the extra `objects` is not installed.
    """
    padded = np.pad(pixels.ids, 1)
    flat, strides = padded.reshape(-1), np.array((padded.shape[1] * padded.shape[2], padded.shape[2], 1))
    centers = np.array(np.unravel_index(pixels.places, pixels.ids.shape)).T @ strides + strides.sum()
    alike = np.zeros(len(centers), np.int32)  # a bit for each voxel around, whether it is of the same object
    for bit, offset in enumerate(_AROUND):
        alike |= (flat[centers + strides @ offset] == flat[centers]).astype(np.int32) << bit
    at_surface = alike != (1 << len(_AROUND)) - 1
    alike, shares = alike[at_surface], _shares(steps)
    areas = np.zeros(len(alike))
    for cube in product((-1, 0), repeat=3):
        code = np.zeros(len(alike), np.int32)
        for number, corner in enumerate(_CORNERS):
            bit = _AROUND.index(tuple(np.add(cube, corner).tolist()))
            code |= (alike >> bit & 1) << number
        areas += shares[code]
    of_pixels = np.zeros(len(centers))
    of_pixels[at_surface] = areas
    return pixels.sums(of_pixels)


@lru_cache
def _shares(steps: tuple[float, ...]) -> NDArray[np.float64]:
    """What each corner of an object has of the area in a cube (256,), by a bit for each corner."""
    need_objects()
    from skimage.measure import marching_cubes, mesh_surface_area

    shares = np.zeros(1 << len(_CORNERS))
    for code in range(1, len(shares) - 1):
        corners = np.array([code >> number & 1 for number in range(len(_CORNERS))], np.float32)
        vertices, faces, *_ = marching_cubes(corners.reshape(2, 2, 2), 0.5, spacing=steps)
        shares[code] = mesh_surface_area(vertices, faces) / corners.sum()
    return shares
