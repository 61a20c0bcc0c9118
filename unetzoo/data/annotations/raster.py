"""Draw shapes: a pixel belongs to an outline if its center lies inside."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.annotations.shapes import Part, Patch, Ring, Shape, Size
from unetzoo.errors import DataError

_MOST_CROSSINGS = 2**25  # of an outline with the centers of rows: memory
_BEYOND = 1.0  # pixels outside the image, more than what rounding explains
_LARGEST_16 = np.iinfo(np.uint16).max


@dataclass
class Drawing:
    """Objects drawn into an image.

    Attributes:
        ids: (h, w), the number of each pixel's object from 1, in the order of the shapes; 0 for none.
        overlap: pixels that several objects claim; the last one has them.
        sizes: the pixels of each object, before others are drawn over it; 0 for one that covers none.
        beyond: how many objects reach beyond the image.
        crossed: how many have an outline that crosses itself or turns round twice.
    """

    ids: NDArray[np.unsignedinteger]
    overlap: int = 0
    sizes: list[int] = field(default_factory=list)
    beyond: int = 0
    crossed: int = 0


def draw(shapes: Sequence[Shape], size: Size) -> Drawing:
    """Draw shapes one over the other into an image of that size.

    Raises:
        DataError: an outline crosses the rows of the image too often.
    """
    drawing = Drawing(np.zeros(size, np.uint16 if len(shapes) <= _LARGEST_16 else np.uint32))
    for number, shape in enumerate(shapes, start=1):
        _draw_one(drawing, number, shape)
    return drawing


def _draw_one(drawing: Drawing, number: int, shape: Shape) -> None:
    count = overlap = 0
    crossed = beyond = False
    for part in shape.parts:
        patch, is_crossed = _patch(part, drawing.ids.shape)
        crossed |= is_crossed
        beyond |= _reaches_beyond(part, drawing.ids.shape)
        target = drawing.ids[patch.top :, patch.left :][: patch.pixels.shape[0], : patch.pixels.shape[1]]
        pixels = patch.pixels & (target != number)
        overlap += int(np.count_nonzero(target[pixels]))
        count += int(np.count_nonzero(pixels))
        target[pixels] = number
    drawing.overlap += overlap
    drawing.sizes.append(count)
    drawing.crossed += crossed
    drawing.beyond += beyond


def _patch(part: Part, size: Size) -> tuple[Patch, bool]:
    """The pixels of a part inside the image, and whether an outline crosses itself."""
    if isinstance(part, Patch):
        return _clipped(part, size), False
    patches, crossed = zip(*(_fill(ring, size) for ring in part.rings), strict=True)
    if len(patches) == 1:
        return patches[0], crossed[0]
    return _odd(patches), any(crossed)


def _clipped(patch: Patch, size: Size) -> Patch:
    top, left = max(0, patch.top), max(0, patch.left)
    rows = slice(top - patch.top, max(0, size[0] - patch.top))
    columns = slice(left - patch.left, max(0, size[1] - patch.left))
    return Patch(patch.pixels[rows, columns], top, left)


def _odd(patches: Sequence[Patch]) -> Patch:
    """The pixels of an odd number of patches."""
    top, left = (min(getattr(patch, side) for patch in patches) for side in ("top", "left"))
    bottom = max(patch.top + patch.pixels.shape[0] for patch in patches)
    right = max(patch.left + patch.pixels.shape[1] for patch in patches)
    pixels = np.zeros((bottom - top, right - left), bool)
    for patch in patches:
        place = pixels[patch.top - top :, patch.left - left :][: patch.pixels.shape[0], : patch.pixels.shape[1]]
        place ^= patch.pixels
    return Patch(pixels, top, left)


def _fill(ring: Ring, size: Size) -> tuple[Patch, bool]:
    """The pixels whose centers a ring encloses an odd number of times; whether one is enclosed twice, or both ways."""
    columns, rows = np.ceil(ring.T - 0.5)  # the first centers that do not lie before the corners
    rows = rows.clip(0, size[0]).astype(np.int64)
    top, bottom = int(rows.min()), int(rows.max())
    left, right = (int(min(max(column, 0), size[1])) for column in (columns.min(), columns.max()))
    if top == bottom or left == right:
        return Patch(np.zeros((0, 0), bool), top, left), False
    winding = np.zeros((bottom - top, right - left + 1), np.int32)
    crossed_rows, across, signs = _crossings(ring, rows)
    places = np.ceil(across - 0.5).clip(left, right).astype(np.int64) - left
    np.add.at(winding, (crossed_rows - top, places), signs)
    turns = np.cumsum(winding[:, :-1], axis=1, dtype=np.int32)
    return Patch(turns % 2 == 1, top, left), bool(max(turns.max(), 0) - min(turns.min(), 0) > 1)


def _crossings(ring: Ring, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Ring, NDArray[np.int64]]:
    """Where a ring crosses the centers of rows: the row, x, and 1 downwards or -1 upwards.

    Args:
        ring: its corners.
        rows: the first row of the image whose center does not lie above each corner.

    Raises:
        DataError: too often for the memory.
    """
    following = np.append(np.arange(1, len(ring)), 0)
    heights = rows[following] - rows
    edges = np.flatnonzero(heights)
    heights, ends = heights[edges], following[edges]
    upper = np.where(heights > 0, edges, ends)  # so that outlines with a common side round alike
    lower = np.where(heights > 0, ends, edges)
    counts = np.abs(heights)
    if (total := int(counts.sum())) > _MOST_CROSSINGS:
        raise DataError(f"an outline crosses the rows of the image {total:,} times, and is not drawn")
    (x, y), (width, height) = ring[upper].T, (ring[lower] - ring[upper]).T
    place = np.repeat(np.arange(len(edges)), counts)
    crossed = np.arange(total) + np.repeat(rows[upper] - np.cumsum(counts) + counts, counts)
    across = x[place] + (crossed + 0.5 - y[place]) * (width / height)[place]
    return crossed, across, np.sign(heights)[place]


def _reaches_beyond(part: Part, size: Size) -> bool:
    if isinstance(part, Patch):
        height, width = part.pixels.shape
        return part.top < 0 or part.left < 0 or part.top + height > size[0] or part.left + width > size[1]
    low = min(float(ring.min()) for ring in part.rings)
    x, y = np.max([ring.max(0) for ring in part.rings], axis=0)
    return bool(low < -_BEYOND or x > size[1] + _BEYOND or y > size[0] + _BEYOND)
