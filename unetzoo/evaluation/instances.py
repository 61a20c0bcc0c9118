"""Objects rather than pixels: which of them are found."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.coding import UNKNOWN

Numbers = NDArray[np.int64]
MATCHED = 0.5  # IoU above which two objects are one; above a half, no object has two partners


def count_instances(
    predicted: NDArray[np.integer],
    truth: NDArray[np.integer],
    class_id: int,
    numbers: NDArray[np.integer] | None = None,
) -> Numbers:
    """Objects found, invented and missed: (3,) of true positives, false positives, false negatives.

    The objects of a class are its connected components, over edges and corners; those of the truth are what masks
    number, where they do. A predicted one is right where its IoU with a true one is above 0.5, as in the 2018 Data
    Science Bowl (doi:10.1038/s41592-019-0612-7). Pixels of 255, unknown, belong to no object.

    Args:
        predicted: class ids (h, w).
        truth: class ids (h, w).
        class_id: of the objects.
        numbers: of the true objects (h, w); None: nobody numbered them.
    """
    found, found_count = _components((predicted == class_id) & (truth != UNKNOWN))
    is_true = truth == class_id
    wanted, wanted_count = _components(is_true) if numbers is None else _numbered(numbers, is_true)
    matched = _matched(found, wanted, found_count)
    return np.array([matched, found_count - matched, wanted_count - matched])


def _components(mask: NDArray[np.bool_]) -> tuple[Numbers, int]:
    """Each component's number (h, w), 0 where there is none, and how many there are."""
    from scipy.ndimage import label

    numbers, count = label(mask, structure=np.ones((3, 3)))
    return numbers.astype(np.int64), int(count)


def _numbered(numbers: NDArray[np.integer], mask: NDArray[np.bool_]) -> tuple[Numbers, int]:
    """The objects of a mask, numbered from 1 on without gaps, and how many there are."""
    found, places = np.unique(numbers[mask], return_inverse=True)
    whole = np.zeros(mask.shape, np.int64)
    whole[mask] = places.ravel() + 1
    return whole, len(found)


def _matched(found: Numbers, wanted: Numbers, found_count: int) -> int:
    """How many pairs of objects, of those that share pixels, are one."""
    shared = (found > 0) & (wanted > 0)
    pairs, overlaps = np.unique(wanted[shared] * (found_count + 1) + found[shared], return_counts=True)
    sizes = np.bincount(wanted.ravel())[pairs // (found_count + 1)]
    sizes += np.bincount(found.ravel())[pairs % (found_count + 1)]
    return int((overlaps > MATCHED * (sizes - overlaps)).sum())
