"""Outlines of objects as polygons along the edges of pixels."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import need_objects
from unetzoo.objects.measure import check_ids

Ring = NDArray[np.int64]
"""Corners (n, 2) of a closed line, x and y; the first is not repeated at the end."""
_OUTSIDE = np.array(((-1, 0), (0, 1), (1, 0), (0, -1)))  # what edges to the right, down, left and up have on their left
_STARTS = np.array(((0, 0), (0, 1), (1, 1), (1, 0)))  # row and column at which these edges of a pixel start


class Outline(NamedTuple):
    """The outline of an object.

    Attributes:
        number: of the object.
        polygons: of its parts that are connected over edges; of each the outer ring, then those of its holes.
    """

    number: int
    polygons: list[list[Ring]]


def outline_objects(ids: NDArray[np.integer]) -> list[Outline]:
    """The outlines of objects along the edges of their pixels.

    (0, 0) is the corner of the first pixel, whose center is (0.5, 0.5), as in QuPath and ImageJ. So an outline holds
    the centers of exactly the object's pixels, and its area is their number. Rings neither cross nor touch themselves;
    on the screen, outer rings run clockwise, those of holes counterclockwise.

    Args:
        ids: number of each pixel's object (h, w); 0 or less: none.

    Returns:
        The outlines in the order in which the objects begin, from top to bottom and left to right.

    Raises:
        ShapeError: the ids are not whole numbers (h, w).
        MissingExtraError: the extra `objects` is not installed.
    """
    need_objects()
    check_ids(ids)
    return list(outlines_of(ids))


def outlines_of(ids: NDArray[np.integer], top: int = 0) -> Iterator[Outline]:
    """The outlines of `outline_objects`, of ids (rows, w) that begin at the row `top` of an image."""
    from skimage.measure import label

    known = np.pad(np.maximum(ids, 0) if ids.dtype.kind == "i" else ids, 1)
    parts = label(known, background=0, connectivity=1)
    rings: dict[int, list[Ring]] = {}  # of parts
    outlines: dict[int, Outline] = {}
    for place, corners in _rings(parts):
        *loops, last = (_ring(loop, known.shape[1], top) for loop in _loops(corners))
        part, number = int(parts.flat[place]), int(known.flat[place])
        if part in rings:
            rings[part] += [*loops, last]
        else:  # the ring from its first corner is the outer one
            rings[part] = [last, *loops]
            outlines.setdefault(number, Outline(number, [])).polygons.append(rings[part])
    yield from outlines.values()


def _rings(parts: NDArray[np.integer]) -> Iterator[tuple[int, list[int]]]:
    """The closed lines around parts and their holes: the place of a pixel on the inside, and the corners in order.

    Places count pixels, row by row, and corners the grid between them, which is a column wider. Lines begin with their
    first pixel from top to bottom and left to right; where pixels touch at a corner, they stay at the same pixel.
    """
    flat, width = parts.reshape(-1), parts.shape[1]
    steps = _OUTSIDE @ (width, 1)
    pixels = np.flatnonzero(flat)
    bounds = np.stack([flat[pixels + step] != flat[pixels] for step in steps], axis=1)
    owner, direction = bounds.nonzero()
    pixel = pixels[owner]
    ahead = pixel + steps[(direction + 1) % 4]
    beyond = ahead + steps[direction]
    right = flat[ahead] != flat[pixel]
    straight = ~right & (flat[beyond] != flat[pixel])
    turn = np.where(right, 1, np.where(straight, 0, -1))
    next_pixel = np.where(right, pixel, np.where(straight, ahead, beyond))
    after = np.searchsorted(4 * pixel + direction, 4 * next_pixel + (direction + turn) % 4)
    is_corner = np.zeros(len(pixel), bool)
    is_corner[after] = turn != 0
    while not is_corner[after].all():  # over twice as many straight edges each time
        after = np.where(is_corner[after], after, after[after])
    row, column = np.divmod(pixel, width)
    corner = (row + _STARTS[direction, 0]) * (width + 1) + column + _STARTS[direction, 1]
    yield from _followed(is_corner, after.tolist(), pixel, corner.tolist())


def _followed(
    is_corner: NDArray[np.bool_], after: Sequence[int], pixel: NDArray[np.int64], corner: Sequence[int]
) -> Iterator[tuple[int, list[int]]]:
    """The closed lines of edges, each of which has another one after it."""
    is_new = bytearray(is_corner)
    for start in is_corner.nonzero()[0].tolist():
        corners, edge = [], start
        while is_new[edge]:
            is_new[edge] = False
            corners.append(corner[edge])
            edge = after[edge]
        if corners:
            yield int(pixel[start]), corners


def _loops(corners: list[int]) -> Iterator[list[int]]:
    """A closed line, cut where it touches itself; the last part has its first corner."""
    if len(set(corners)) == len(corners):
        yield corners
        return
    path: list[int] = []
    for corner in corners:
        if corner in path:
            cut = path.index(corner)
            yield path[cut:]
            del path[cut:]
        path.append(corner)
    yield path


def _ring(corners: list[int], width: int, top: int) -> Ring:
    """Corners of the grid of padded pixels as x and y in the image."""
    rows, columns = np.divmod(np.array(corners), width + 1)
    return np.stack([columns - 1, rows - 1 + top], axis=1)
