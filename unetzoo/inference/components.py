"""Post-process the mask of an image of any size by the connected components of its classes, strip by strip.

Components that reach over several strips are joined, so that the result is that of the whole image; memory grows with
the width of the image and the number of components alone.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig

_PIXELS = 2**22  # of a strip
_EDGES = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
_CORNERS = np.ones((3, 3), int)
Mask = NDArray[np.bool_]


class _Components(NamedTuple):
    """The parts of components in the strips of a mask, by number; the first part of all, 0, is what is outside.

    Attributes:
        first: number of the first part of each strip, minus 1.
        component: of each part.
        sizes: pixels of each component.
        is_open: whether each component touches the border of the image.
    """

    first: list[int]
    component: NDArray[np.int64]
    sizes: NDArray[np.int64]
    is_open: Mask


def postprocess(ids: NDArray[Any], config: ModelConfig, *, rows: int | None = None) -> None:
    """Change class ids (h, w) in place as the post-processing of a network says: holes, then sizes of components.

    Components of a class are connected over edges and corners, and holes over edges. Pixels that are taken from a class
    become the first class, the background; pixels of other classes, and without data, stay.

    Args:
        ids: an array, or a memory map.
        config: of the network.
        rows: of a strip; None: some that hold about 4 million pixels.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    chosen = config.post
    if not chosen.needs_components:
        return
    need("evaluate", "the post-processing of this network", "scipy")
    strips = _Strips(ids, rows or max(1, _PIXELS // max(1, ids.shape[1])))
    for number, name in enumerate(class_names(config)):
        if name in chosen.fill_holes:
            _fill_holes(strips, number)
        if name in chosen.largest:
            _keep_largest(strips, number)
        if name in chosen.min_size:
            _drop_small(strips, number, chosen.min_size[name])


class _Strips:
    """The rows of an image, some at once."""

    def __init__(self, ids: NDArray[Any], rows: int) -> None:
        self.ids, self.rows = ids, rows

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for top in range(0, len(self.ids), self.rows):
            yield self.ids[top : top + self.rows]


def _fill_holes(strips: _Strips, number: int) -> None:
    def outside(ids: NDArray[Any]) -> Mask:
        return np.asarray(ids != number)

    holes = _measure(strips, outside, _EDGES)
    for ids, is_hole in _parts(strips, outside, _EDGES, holes, ~holes.is_open):
        ids[is_hole & (ids == 0)] = number


def _keep_largest(strips: _Strips, number: int) -> None:
    components = _measure(strips, lambda ids: np.asarray(ids == number), _CORNERS)
    others = np.ones(len(components.sizes), bool)
    if len(others) > 1:
        others[1 + int(components.sizes[1:].argmax())] = False
    _drop(strips, number, components, others)


def _drop_small(strips: _Strips, number: int, least: int) -> None:
    components = _measure(strips, lambda ids: np.asarray(ids == number), _CORNERS)
    _drop(strips, number, components, components.sizes < least)


def _drop(strips: _Strips, number: int, components: _Components, dropped: Mask) -> None:
    for ids, chosen in _parts(strips, lambda ids: np.asarray(ids == number), _CORNERS, components, dropped):
        ids[chosen] = 0


def _parts(
    strips: _Strips,
    mask_of: Callable[[NDArray[Any]], Mask],
    around: NDArray[Any],
    components: _Components,
    chosen: Mask,
) -> Iterator[tuple[NDArray[Any], Mask]]:
    """Each strip, and where it has pixels of the chosen components."""
    from scipy.ndimage import label

    is_chosen = chosen[components.component]
    is_chosen[0] = False
    for first, ids in zip(components.first, strips, strict=True):
        parts = label(mask_of(ids), around)[0]
        yield ids, is_chosen[np.where(parts > 0, parts + first, 0)]


def _measure(strips: _Strips, mask_of: Callable[[NDArray[Any]], Mask], around: NDArray[Any]) -> _Components:
    """The components of a mask; `around` (3, 3) says which neighbors of a pixel are connected with it."""
    from scipy.ndimage import label
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, sizes, pairs = list[int](), [np.zeros(1, np.int64)], [np.zeros((2, 0), np.int64)]
    border, count, above = [np.zeros(0, np.int64)], 0, None
    for ids in strips:
        local, parts = label(mask_of(ids), around)
        numbers = np.where(local > 0, local.astype(np.int64) + count, 0)
        first.append(count)
        sizes.append(np.bincount(local.ravel(), minlength=parts + 1)[1:])
        border += [numbers[:, 0], numbers[:, -1]]
        if above is None:
            border.append(numbers[0])
        else:
            pairs.append(_touching(above, numbers[0], corners=bool(around[0][0])))
        above, count = numbers[-1], count + parts
    border.append(np.zeros(0, np.int64) if above is None else above)
    rows, columns = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count + 1, count + 1))
    number, component = connected_components(graph, directed=False)
    is_open = np.zeros(number, bool)
    is_open[component[np.concatenate(border)]] = True
    totals = np.bincount(component, np.concatenate(sizes), minlength=number).astype(np.int64)
    return _Components(first, component, totals, is_open)


def _touching(above: NDArray[np.int64], below: NDArray[np.int64], *, corners: bool) -> NDArray[np.int64]:
    """The pairs (2, n) of parts that meet between two rows."""
    both = [(above, below)] + ([(above[:-1], below[1:]), (above[1:], below[:-1])] if corners else [])
    pairs = np.concatenate([np.stack(each) for each in both], axis=1)
    return np.unique(pairs[:, (pairs > 0).all(0)], axis=1)
