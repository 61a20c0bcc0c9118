"""Rays from each pixel of an object to the object's edge.

StarDist's own C++ gives the same lengths in more time, and has 16 bits for the numbers of objects.
"""

import numba
import numpy as np
from numpy.typing import NDArray


def write_rays(objects: NDArray[np.int32], lengths: NDArray[np.float32]) -> None:
    """Write the lengths of rays to the edge of the object, half a pixel before the first pixel beyond it.

    Args:
        objects: (h, w), 0 for background; an object ends at the border of the array.
        lengths: (rays, h, w), is overwritten with pixels, 0 on the background. The directions are at equal angles; the
            first is to the right, the next ones turn downwards.
    """
    padded = np.pad(objects, 1)
    angles = 2 * np.pi * np.arange(len(lengths)) / len(lengths)
    down, right = np.sin(angles), np.cos(angles)
    steps = np.arange(1, np.hypot(*padded.shape) + 2)
    rows, columns = (_rounded(np.outer(axis, steps)) for axis in (down, right))
    corrections = (0.5 / np.maximum(abs(down), abs(right)) - 1).astype(np.float32)  # the last step goes too far
    _walk(padded, rows * padded.shape[1] + columns, corrections, lengths)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers, halves away from 0, as the same shape has the same rays wherever it is turned."""
    return (np.sign(values) * np.floor(abs(values) + 0.5 + 1e-6)).astype(np.int64)


def _walk_along(
    padded: NDArray[np.int32],
    offsets: NDArray[np.int64],
    corrections: NDArray[np.float32],
    lengths: NDArray[np.float32],
) -> None:
    """Write the number of steps to the first pixel of another number, and the correction.

    Args:
        padded: objects (h + 2, w + 2) with background around them.
        offsets: (rays, steps), places in `padded`, flattened, from a pixel to those on its ray.
        corrections: (rays,) in pixels.
        lengths: (rays, h, w).
    """
    numbers = padded.ravel()
    for ray in range(len(offsets)):
        for row in range(lengths.shape[1]):
            for column in range(lengths.shape[2]):
                pixel = (row + 1) * padded.shape[1] + column + 1
                lengths[ray, row, column] = 0
                if numbers[pixel] > 0:
                    step = 0
                    while numbers[pixel + offsets[ray, step]] == numbers[pixel]:
                        step += 1
                    lengths[ray, row, column] = step + 1 + corrections[ray]


_walk = numba.njit()(_walk_along)
