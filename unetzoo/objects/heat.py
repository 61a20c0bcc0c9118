"""Flows of heat in objects: each pixel's direction to the middle of its object, along ways inside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import Mask, Numbers, center_offsets

_WIDEST = 2**21  # pixels of a shelf, at most, over its number of steps
_INSIDE = 0.75  # pixels from a centroid to the nearest pixel of an object in which it lies
_LEVEL = 1e-5  # of the heat, a rise that is rounding alone

Box = tuple[slice, slice]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class _Shelf:
    """Objects of similar size side by side, with a pixel of margin around each: they are heated together.

    Attributes:
        boxes: where each object lies in the image.
        places: where it stands on the shelf.
        inside: the pixels (h, w) of the shelf that belong to an object.
        steps: that heat spreads.
    """

    boxes: list[Box]
    places: list[Box]
    inside: Mask
    steps: int

    def moved(self, mask: Mask) -> Mask:
        """What the objects have of a mask (h, w) of the image, on the shelf."""
        shelf = np.zeros_like(self.inside)
        for box, place in zip(self.boxes, self.places, strict=True):
            shelf[place] = mask[box]
        return shelf & self.inside


def heat_flows(objects: Numbers) -> NDArray[np.float32]:
    """The flows (2, h, w), y and x component, of length 1 in objects and 0 beyond (doi:10.1038/s41592-020-01018-x).

    Heat enters an object at the pixel nearest its centroid in each step and spreads as the mean over 3 x 3 pixels; it
    leaves at the border of the object. The flow is the direction in which heat rises. Of several nearest pixels, such
    as those around the centroid of a square, all are heated, so that flows turn with the object.
    """
    flows = np.zeros((2, *objects.shape), np.float32)
    sources = _sources(objects)
    for shelf in _shelves(objects):
        directions = _directions(_heat(shelf.inside, shelf.moved(sources), shelf.steps)) * shelf.inside
        for box, place in zip(shelf.boxes, shelf.places, strict=True):
            flows[:, *box] += directions[:, *place]
    return flows


def _shelves(objects: Numbers) -> Iterator[_Shelf]:
    """All objects; those of a shelf take equally many steps."""
    from scipy.ndimage import find_objects

    boxes: list[Box] = find_objects(objects)
    indices: dict[int, list[int]] = {}
    for index, box in enumerate(boxes):
        indices.setdefault(_steps(box), []).append(index)
    for steps, group in indices.items():
        count = max(1, _WIDEST // steps)
        for start in range(0, len(group), count):
            numbers = group[start : start + count]
            yield _shelf(objects, [boxes[index] for index in numbers], numbers, steps)


def _shelf(objects: Numbers, boxes: list[Box], indices: list[int], steps: int) -> _Shelf:
    lengths = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes]
    starts = np.cumsum([1, *(columns + 1 for _, columns in lengths)]).tolist()
    places = [
        (slice(1, 1 + rows), slice(start, start + columns))
        for start, (rows, columns) in zip(starts, lengths, strict=False)
    ]
    inside = np.zeros((2 + max(rows for rows, _ in lengths), starts[-1]), bool)
    for index, box, place in zip(indices, boxes, places, strict=True):
        inside[place] = objects[box] == index + 1
    return _Shelf(boxes, places, inside, steps)


def _steps(box: Box) -> int:
    """Twice height and width together, rounded up to a few numbers; so they do not depend on other objects."""
    length: int = sum(span.stop - span.start for span in box)
    coarse = 1 << max(0, length.bit_length() - 2)
    return 2 * coarse * -(-length // coarse)


def _heat(inside: Mask, sources: Mask, steps: int) -> Values:
    """The temperature (h, w) after so many steps.

    Pixels stand in one row, so that each sum is one of contiguous memory: beyond the end of a line of pixels lies the
    margin of the next one.
    """
    width = inside.shape[1]
    heat: Values = np.zeros(inside.size, np.float32)
    middle = slice(width + 1, -width - 1)
    share = (inside.reshape(-1)[middle] / 9).astype(np.float32)
    entries = np.flatnonzero(sources)
    columns, windows = np.empty_like(heat[2 * width :]), np.empty_like(share)
    for _ in range(steps):
        heat[entries] += 1
        np.add(heat[: -2 * width], heat[width:-width], out=columns)
        np.add(columns, heat[2 * width :], out=columns)
        np.add(columns[:-2], columns[1:-1], out=windows)
        np.add(windows, columns[2:], out=windows)
        np.multiply(windows, share, out=heat[middle])
    return heat.reshape(inside.shape)


def _sources(objects: Numbers) -> Mask:
    """The pixels (h, w) at which heat enters; in a ring one alone, or flows would part it."""
    foreground = objects > 0
    owners = objects[foreground]
    distances = np.hypot(*center_offsets(foreground, owners))
    nearest = np.full(owners.max(initial=0) + 1, np.inf)
    np.minimum.at(nearest, owners, distances)
    tied = np.flatnonzero(distances <= nearest[owners] + 1e-6)
    first = np.zeros(len(tied), bool)
    first[np.unique(owners[tied], return_index=True)[1]] = True
    sources = np.zeros(objects.shape, bool)
    chosen = tied[first | (nearest[owners[tied]] <= _INSIDE)]
    sources.reshape(-1)[np.flatnonzero(foreground)[chosen]] = True
    return sources


def _directions(heat: Values) -> Values:
    """The direction (2, h, w) in which heat rises; 0 where it is level, and at the margin."""
    rise = np.zeros((2, *heat.shape), np.float32)
    rise[0, 1:-1] = heat[2:] - heat[:-2]
    rise[1, :, 1:-1] = heat[:, 2:] - heat[:, :-2]
    length = np.hypot(*rise)
    level = length <= _LEVEL * heat
    return np.where(level, 0, rise / np.where(level, 1, length))
