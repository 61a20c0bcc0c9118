"""Flows of heat in objects: each pixel's direction to the middle of its object, along ways inside it."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import Mask, Numbers, center_offsets

_INSIDE = 0.75  # pixels from a centroid to the nearest pixel of an object in which it lies
_LEVEL = 1e-5  # of the heat, a rise that is rounding alone

Values = NDArray[np.float32]
Places = NDArray[np.int64]


def heat_flows(objects: Numbers) -> Values:
    """The flows (2, h, w), y and x component, of length 1 in objects and 0 beyond (doi:10.1038/s41592-020-01018-x).

    Heat enters an object at the pixel nearest its centroid in each step and spreads as the mean over 3 x 3 pixels; it
    leaves at the border of the object. The flow is the direction in which heat rises. Of several nearest pixels, such
    as those around the centroid of a square, all are heated, so that flows turn with the object.

    Objects of similar size are heated together: they stand side by side on a shelf, with a pixel of margin around each.
    """
    foreground = objects > 0
    owners = objects[foreground] - 1
    pixels = np.stack(foreground.nonzero())
    first, sizes = _boxes(pixels, owners)
    sources = _sources(foreground, owners)
    steps = _steps(sizes)
    rows, columns = pixels - first.take(owners, 1)
    directions = np.zeros((2, len(owners)), np.float32)
    for count in np.unique(steps):
        shape, starts = _shelf(sizes, steps == count)
        members = np.flatnonzero((steps == count).take(owners))
        places = (rows[members] + 1) * shape[1] + columns[members] + starts[owners[members]]
        heat = _heat(shape, places, places[sources[members]], int(count))
        for axis, direction in enumerate(_directions(heat)):
            directions[axis, members] = direction.take(places)
    flows = np.zeros((2, *objects.shape), np.float32)
    flows[:, foreground] = directions
    return flows


def _boxes(pixels: Places, owners: Numbers) -> tuple[Places, Places]:
    """The first row and column of each object's box (2, n), and its height and width."""
    count = owners.max(initial=-1) + 1
    first, last = np.full((2, count), np.iinfo(np.int64).max), np.zeros((2, count), np.int64)
    for axis in range(2):
        np.minimum.at(first[axis], owners, pixels[axis])
        np.maximum.at(last[axis], owners, pixels[axis])
    return first, last - first + 1


def _steps(sizes: Places) -> Places:
    """Twice height and width together, rounded up to a few numbers; so they do not depend on other objects."""
    lengths = sizes.sum(0)
    coarse = 2 ** np.maximum(0, np.log2(np.maximum(lengths, 1)).astype(np.int64) - 1)
    steps: Places = 2 * coarse * -(-lengths // coarse)
    return steps


def _shelf(sizes: Places, members: Mask) -> tuple[tuple[int, int], Places]:
    """Height and width of a shelf, and the column at which each of its objects begins."""
    heights, widths = sizes
    ends = np.cumsum(np.where(members, widths + 1, 0))
    return (int(heights[members].max()) + 2, int(ends[-1]) + 1), ends - widths


def _heat(shape: tuple[int, int], places: Places, sources: Places, steps: int) -> Values:
    """The temperature (h, w) of a shelf after so many steps.

    Pixels stand in one row, so that each sum is one of contiguous memory: beyond the end of a line of pixels lies the
    margin of the next one.

    Args:
        shape: of the shelf.
        places: the pixels of objects in that row.
        sources: those at which heat enters.
        steps: that heat spreads.
    """
    width = shape[1]
    heat: Values = np.zeros(shape[0] * width, np.float32)
    middle = slice(width + 1, -width - 1)
    share = np.zeros_like(heat)
    share[places] = 1 / 9
    columns, windows = np.empty_like(heat[2 * width :]), np.empty_like(heat[middle])
    for _ in range(steps):
        heat[sources] += 1
        np.add(heat[: -2 * width], heat[width:-width], out=columns)
        np.add(columns, heat[2 * width :], out=columns)
        np.add(columns[:-2], columns[1:-1], out=windows)
        np.add(windows, columns[2:], out=windows)
        np.multiply(windows, share[middle], out=heat[middle])
    return heat.reshape(shape)


def _sources(foreground: Mask, owners: Numbers) -> Mask:
    """Which pixels of the foreground heat enters; in a ring one alone, or flows would part it."""
    distances = np.hypot(*center_offsets(foreground, owners))
    nearest = np.full(owners.max(initial=-1) + 1, np.inf)
    np.minimum.at(nearest, owners, distances)
    sources: Mask = distances <= nearest[owners] + 1e-6
    tied = sources.nonzero()[0]
    one = np.zeros(len(owners), bool)
    one[tied[np.unique(owners[tied], return_index=True)[1]]] = True
    return np.where(nearest[owners] <= _INSIDE, sources, one)


def _directions(heat: Values) -> Values:
    """The direction (2, h, w) in which heat rises; 0 where it is level, and at the margin."""
    rise = np.zeros((2, *heat.shape), np.float32)
    rise[0, 1:-1] = heat[2:] - heat[:-2]
    rise[1, :, 1:-1] = heat[:, 2:] - heat[:, :-2]
    length = np.hypot(*rise)
    level = length <= _LEVEL * heat
    return np.where(level, 0, rise / np.where(level, 1, length))
