"""Post-process the mask of an image, or a volume, of any size by the connected components of its classes, by strips.

Components that reach over several strips are joined, so that the result is that of the whole image; memory grows with
the width of the image and the number of components alone.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig

_PIXELS = 2**22  # of a strip
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

    Components of a class are connected over edges and corners, and holes over edges; those of a volume (d, h, w) over
    faces, edges and corners, and holes over faces. Pixels that are taken from a class
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
    strips = _Strips(ids, rows or max(1, _PIXELS // max(1, ids[0].size)))
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

    holes = _measure(strips, outside, corners=False)
    for ids, is_hole in _parts(strips, outside, holes, ~holes.is_open, corners=False):
        ids[is_hole & (ids == 0)] = number


def _keep_largest(strips: _Strips, number: int) -> None:
    components = _measure(strips, lambda ids: np.asarray(ids == number), corners=True)
    others = np.ones(len(components.sizes), bool)
    if len(others) > 1:
        others[1 + int(components.sizes[1:].argmax())] = False
    _drop(strips, number, components, others)


def _drop_small(strips: _Strips, number: int, least: int) -> None:
    components = _measure(strips, lambda ids: np.asarray(ids == number), corners=True)
    _drop(strips, number, components, components.sizes < least)


def _drop(strips: _Strips, number: int, components: _Components, dropped: Mask) -> None:
    for ids, chosen in _parts(strips, lambda ids: np.asarray(ids == number), components, dropped, corners=True):
        ids[chosen] = 0


def _parts(
    strips: _Strips,
    mask_of: Callable[[NDArray[Any]], Mask],
    components: _Components,
    chosen: Mask,
    *,
    corners: bool,
) -> Iterator[tuple[NDArray[Any], Mask]]:
    """Each strip, and where it has pixels of the chosen components."""
    from scipy.ndimage import label

    is_chosen = chosen[components.component]
    is_chosen[0] = False
    for first, ids in zip(components.first, strips, strict=True):
        parts = label(mask_of(ids), _neighbors(ids.ndim, corners=corners))[0]
        yield ids, is_chosen[np.where(parts > 0, parts + first, 0)]


def _neighbors(axes: int, *, corners: bool) -> NDArray[Any]:
    """Which neighbors of a pixel are connected with it: those that share a side, or all."""
    from scipy.ndimage import generate_binary_structure

    around: NDArray[Any] = generate_binary_structure(axes, axes if corners else 1)
    return around


def _measure(strips: _Strips, mask_of: Callable[[NDArray[Any]], Mask], *, corners: bool) -> _Components:
    """The components of a mask; with `corners` pixels that share a corner alone are connected, too."""
    from scipy.ndimage import label
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, sizes, pairs = list[int](), [np.zeros(1, np.int64)], [np.zeros((2, 0), np.int64)]
    border, count, above = [np.zeros(0, np.int64)], 0, None
    for ids in strips:
        local, parts = label(mask_of(ids), _neighbors(ids.ndim, corners=corners))
        numbers = np.where(local > 0, local.astype(np.int64) + count, 0)
        first.append(count)
        sizes.append(np.bincount(local.ravel(), minlength=parts + 1)[1:])
        border += [numbers.take(end, axis).ravel() for axis in range(1, ids.ndim) for end in (0, -1)]
        if above is None:
            border.append(numbers[0].ravel())
        else:
            pairs.append(_touching(above, numbers[0], corners=corners))
        above, count = numbers[-1], count + parts
    border.append(np.zeros(0, np.int64) if above is None else above.ravel())
    rows, columns = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count + 1, count + 1))
    number, component = connected_components(graph, directed=False)
    is_open = np.zeros(number, bool)
    is_open[component[np.concatenate(border)]] = True
    totals = np.bincount(component, np.concatenate(sizes), minlength=number).astype(np.int64)
    return _Components(first, component, totals, is_open)


def _touching(above: NDArray[np.int64], below: NDArray[np.int64], *, corners: bool) -> NDArray[np.int64]:
    """The pairs (2, n) of parts that meet between two rows, or two slices."""
    cuts = ((slice(None), slice(None)), (slice(-1), slice(1, None)), (slice(1, None), slice(-1)))
    moves = product(cuts if corners else cuts[:1], repeat=above.ndim)
    both = [(above[tuple(one for one, _ in move)], below[tuple(other for _, other in move)]) for move in moves]
    pairs = np.concatenate([np.stack([one.ravel(), other.ravel()]) for one, other in both], axis=1)
    return np.unique(pairs[:, (pairs > 0).all(0)], axis=1)
