"""What the codings share: objects from ids, their edges, and numbers without gaps."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.errors import ShapeError

if TYPE_CHECKING:
    from unetzoo.objects.coding import Ids

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]
_EDGES_AND_CORNERS = np.ones((3, 3), bool)


def need_objects() -> None:
    """Raise MissingExtraError unless the libraries of the codings are installed."""
    need("objects", "coding objects", "scipy", "skimage")


def separate_objects(ids: "Ids") -> Numbers:
    """The objects (h, w) numbered from 1 to n, pieces of one id apart; 0 on background and unknown pixels.

    Raises:
        ShapeError: when ids are not (h, w) or not whole numbers.
    """
    from skimage.measure import label

    if ids.ndim != 2 or ids.dtype.kind not in "iu" or not ids.size:
        raise ShapeError(f"ids of objects must be whole numbers (h, w), got {ids.dtype} {ids.shape}")
    known = np.maximum(ids, 0) if ids.dtype.kind == "i" else ids
    objects: Numbers = label(known, background=0, connectivity=2).astype(np.int32, copy=False)
    return objects


def label_components(mask: Mask) -> Numbers:
    """The components (h, w) of a mask, connected over edges and corners, numbered from 1 to n."""
    from scipy.ndimage import label

    numbers: Numbers = label(mask, structure=_EDGES_AND_CORNERS, output=np.int32)[0]
    return numbers


def inner_edges(objects: Numbers, width: int = 1) -> Mask:
    """The pixels (h, w) of objects that another object, background or the border is at most `width` pixels away from.

    Distances are those of a king in chess.
    """
    from scipy.ndimage import maximum_filter

    edges = _beside(np.pad(objects, 1), np.not_equal)[1:-1, 1:-1]
    if width > 1:
        edges = maximum_filter(edges, 2 * width - 1)
    return edges & (objects > 0)


def contacts(objects: Numbers) -> Mask:
    """The pixels (h, w) of objects that touch another object, over an edge or a corner."""
    return _beside(objects, lambda one, other: (one != other) & (one > 0) & (other > 0))


def squared_distances(mask: Mask) -> Numbers:
    """The squared distance (h, w) of each pixel to the nearest one outside the mask; there must be one."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(mask, return_distances=False, return_indices=True)
    rows -= np.arange(mask.shape[0], dtype=np.int32)[:, None]
    columns -= np.arange(mask.shape[1], dtype=np.int32)
    squares: Numbers = rows * rows + columns * columns  # whole numbers: half the time of scipy's own distances
    return squares


def center_offsets(foreground: Mask, owners: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns from the centroid of its object to each pixel of the foreground, in the order of `owners`."""
    sizes = np.maximum(np.bincount(owners), 1)
    rows, columns = (axis - (np.bincount(owners, axis) / sizes)[owners] for axis in foreground.nonzero())
    return rows, columns


def renumber(objects: Numbers, min_size: int = 1) -> Numbers:
    """The objects of at least `min_size` pixels, numbered from 1 to n in their order."""
    keep = np.bincount(objects.ravel()) >= max(1, min_size)
    keep[0] = False
    return (np.cumsum(keep, dtype=np.int32) * keep)[objects]


def _beside(objects: Numbers, condition: Callable[[Numbers, Numbers], Mask]) -> Mask:
    """Where a pixel (h, w) and one of its eight neighbors meet a symmetric condition."""
    where = np.zeros(objects.shape, bool)
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    for one, other in (
        ((first, every), (last, every)),
        ((every, first), (every, last)),
        ((first, first), (last, last)),
        ((first, last), (last, first)),
    ):
        pairs = condition(objects[one], objects[other])
        where[one] |= pairs
        where[other] |= pairs
    return where
