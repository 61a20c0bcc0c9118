"""What the codings share: objects from ids, their edges, and numbers without gaps."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.errors import ShapeError

if TYPE_CHECKING:
    from unetzoo.objects.coding import Ids

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]
_SIDES = {2: "(h, w)", 3: "(d, h, w)"}


def need_objects() -> None:
    """Raise MissingExtraError unless the libraries of the codings are installed."""
    need("objects", "coding objects", "scipy", "skimage")


def separate_objects(ids: "Ids", axes: Sequence[int] = (2,)) -> Numbers:
    """The objects (h, w) numbered from 1 to n, pieces of one id apart; 0 on background and unknown pixels.

    Args:
        ids: (h, w), or (d, h, w) for a coding of volumes.
        axes: numbers of axes that the coding works over.

    Raises:
        ShapeError: when ids have another number of axes, or are not whole numbers.
    """
    from skimage.measure import label

    if ids.ndim not in axes or ids.dtype.kind not in "iu" or not ids.size:
        sides = " or ".join(_SIDES[count] for count in axes)
        raise ShapeError(f"ids of objects must be whole numbers {sides}, got {ids.dtype} {ids.shape}")
    known = np.maximum(ids, 0) if ids.dtype.kind == "i" else ids
    objects: Numbers = label(known, background=0, connectivity=ids.ndim).astype(np.int32, copy=False)
    return objects


def label_components(mask: Mask) -> Numbers:
    """The components (h, w) or (d, h, w) of a mask, connected over edges and corners, numbered from 1 to n."""
    from scipy.ndimage import label

    numbers: Numbers = label(mask, structure=np.ones((3,) * mask.ndim, bool), output=np.int32)[0]
    return numbers


def inner_edges(objects: Numbers, width: int = 1) -> Mask:
    """The pixels of objects that another object, background or the border is at most `width` pixels away from.

    Distances are those of a king in chess, of volumes along three axes.
    """
    from scipy.ndimage import maximum_filter

    edges = _beside(np.pad(objects, 1), np.not_equal)[(slice(1, -1),) * objects.ndim]
    if width > 1:
        edges = maximum_filter(edges, 2 * width - 1)
    return edges & (objects > 0)


def contacts(objects: Numbers) -> Mask:
    """The pixels of objects that touch another object, over an edge or a corner."""
    return _beside(objects, lambda one, other: (one != other) & (one > 0) & (other > 0))


def squared_distances(mask: Mask, spacing: Sequence[float] = ()) -> Numbers | NDArray[np.float64]:
    """The squared distance of each pixel to the nearest one outside the mask; there must be one.

    Args:
        mask: (h, w) or (d, h, w).
        spacing: distance of neighboring pixels along each axis; empty: 1.
    """
    from scipy.ndimage import distance_transform_edt

    places = distance_transform_edt(mask, spacing or None, return_distances=False, return_indices=True)
    squares = np.zeros(mask.shape, np.float64 if spacing else np.int32)
    for axis, (nearest, length) in enumerate(zip(places, mask.shape, strict=True)):
        nearest -= np.arange(length, dtype=np.int32).reshape(-1, *(1,) * (mask.ndim - axis - 1))
        steps = nearest * spacing[axis] if spacing else nearest
        squares += steps * steps  # whole numbers without spacing: half the time of scipy's own distances
    return squares


def center_offsets(foreground: Mask, owners: Numbers) -> list[NDArray[np.float64]]:
    """Pixels along each axis from the centroid of its object to each pixel of the foreground, as `owners` are."""
    sizes = np.maximum(np.bincount(owners), 1)
    return [axis - (np.bincount(owners, axis) / sizes)[owners] for axis in foreground.nonzero()]


def renumber(objects: Numbers, min_size: int = 1) -> Numbers:
    """The objects of at least `min_size` pixels, numbered from 1 to n in their order."""
    keep = np.bincount(objects.ravel()) >= max(1, min_size)
    keep[0] = False
    return (np.cumsum(keep, dtype=np.int32) * keep)[objects]


def _beside(objects: Numbers, condition: Callable[[Numbers, Numbers], Mask]) -> Mask:
    """Where a pixel and one of its neighbors, 8 in images and 26 in volumes, meet a symmetric condition."""
    where = np.zeros(objects.shape, bool)
    ways = {0: (slice(None),) * 2, 1: (slice(None, -1), slice(1, None)), -1: (slice(1, None), slice(None, -1))}
    for step in product((0, 1, -1), repeat=objects.ndim):
        if step <= (0,) * objects.ndim:  # the opposite way is another one's
            continue
        one, other = zip(*(ways[along] for along in step), strict=True)
        pairs = condition(objects[one], objects[other])
        where[one] |= pairs
        where[other] |= pairs
    return where
