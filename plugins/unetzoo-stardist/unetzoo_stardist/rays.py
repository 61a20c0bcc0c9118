"""Rays from each pixel of an object to the object's edge.

StarDist's own C++ gives the same lengths in more time, and has 16 bits for the numbers of objects.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

Bytes = NDArray[np.uint8]
Counts = NDArray[np.uint16]
Steps = NDArray[np.int64]
Lengths = NDArray[np.float32]
_WORD = 8  # bytes that are tested at once


def write_rays(objects: NDArray[np.int32], lengths: Lengths, unit: float = 1.0) -> None:
    """Write the lengths of rays to the edge of the object, half a pixel before the first pixel beyond it.

    Args:
        objects: (h, w), numbered from 1 to n, 0 for background; an object ends at the border of the array.
        lengths: (rays, h, w), all 0; is written in objects. The directions are at equal angles; the first is to the
            right, the next ones turn downwards.
        unit: of the lengths, in pixels.
    """
    angles = 2 * np.pi * np.arange(len(lengths)) / len(lengths)
    down, right = np.sin(angles), np.cos(angles)
    steps = np.arange(1, np.hypot(*objects.shape) + 3)
    rows, columns = (_rounded(np.outer(axis, steps)) for axis in (down, right))
    last = 0.5 / np.maximum(abs(down), abs(right))  # what of the last step is inside the object
    _march(objects, _boxes(objects), rows, columns, (last / unit).astype(np.float32), np.float32(1 / unit), lengths)


def _boxes(objects: NDArray[np.int32]) -> Steps:
    """First row, the one after the last, first column and the one after the last of each object (n, 4)."""
    from scipy.ndimage import find_objects

    spans = [span or (slice(0, 0), slice(0, 0)) for span in find_objects(objects)]  # of a number that no pixel has
    sides = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in spans]
    return np.array(sides, np.int64).reshape(-1, 4)


def _rounded(values: NDArray[np.float64]) -> Steps:
    """Whole numbers, halves away from 0, as the same shape has the same rays wherever it is turned."""
    return (np.sign(values) * np.floor(abs(values) + 0.5 + 1e-6)).astype(np.int64)


def _compiled(function: Function) -> Function:
    return cast("Function", numba.njit(function))


@_compiled
def _march(
    objects: NDArray[np.int32],
    boxes: Steps,
    rows: Steps,
    columns: Steps,
    last: Lengths,
    step: np.float32,
    lengths: Lengths,
) -> None:
    """Let all pixels of an object go the same way, until the last of them has left the object.

    Args:
        objects: (h, w).
        boxes: of the objects, see `_boxes`.
        rows: (rays, steps), from a pixel to those on its ray. Each is a neighbor of the one before or the same, so
            that none gets over the margin of a box unseen.
        columns: likewise.
        last: (rays,), is added to the lengths.
        step: length of a step.
        lengths: (rays, h, w).
    """
    for index, (top, bottom, left, right) in enumerate(boxes):
        width = right - left + 2
        own = _flat_mask(objects[top:bottom, left:right], index + 1)
        inside, counts = np.empty_like(own), np.empty(len(own), np.uint16)
        for ray in range(len(rows)):
            _count_steps(own, rows[ray], columns[ray], width, inside, counts)
            for row in range(bottom - top):
                begin = (row + 1) * width + 1
                line = lengths[ray, top + row, left:right]
                there, steps = own[begin : begin + len(line)], counts[begin : begin + len(line)]
                for pixel in range(len(line)):  # the fastest way to leave other objects in the box alone
                    line[pixel] += np.float32(there[pixel]) * (np.float32(steps[pixel]) * step + last[ray])


@_compiled
def _flat_mask(objects: NDArray[np.int32], number: int) -> Bytes:
    """1 for the pixels of an object in its box (h, w), with a margin around it, row by row, then some 0."""
    height, width = objects.shape
    pixels = (height + 2) * (width + 2)
    mask = np.zeros(-(-pixels // _WORD) * _WORD, np.uint8)
    for row in range(height):
        begin = (row + 1) * (width + 2) + 1
        line = mask[begin : begin + width]
        for column in range(width):
            line[column] = objects[row, column] == number
    return mask


@_compiled
def _count_steps(own: Bytes, rows: Steps, columns: Steps, width: int, inside: Bytes, counts: Counts) -> None:
    """Write the number of steps until each pixel leaves the object.

    Args:
        own: 1 for the pixels of the object, else 0.
        rows: of the steps, relative to a pixel.
        columns: likewise.
        width: of a row of `own`.
        inside: is overwritten.
        counts: is overwritten with steps, 0 beyond the object.
    """
    words = inside.view(np.uint64)
    for pixel in range(len(own)):
        inside[pixel] = own[pixel]
    for pixel in range(len(own)):
        counts[pixel] = 0
    for step in range(len(rows)):
        place = rows[step] * width + columns[step]
        first, end = max(0, -place), min(len(own), len(own) - place)
        still, there = inside[first:end], own[first + place : end + place]
        for pixel in range(len(still)):
            still[pixel] &= there[pixel]
        union = np.uint64(0)
        for word in range(len(words)):  # numba's loop over the words themselves takes longer
            union |= words[word]
        if union == 0:
            return
        for pixel in range(len(counts)):
            counts[pixel] += inside[pixel]
