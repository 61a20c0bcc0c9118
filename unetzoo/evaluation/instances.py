"""Objects rather than pixels: which of them are found."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.coding import UNKNOWN

Mask = NDArray[np.bool_]
MATCHED = 0.5  # IoU above which two objects are one; above a half, no object has two partners


def count_instances(predicted: NDArray[np.integer], truth: NDArray[np.integer], class_id: int) -> NDArray[np.int64]:
    """Objects found, invented and missed: (3,) of true positives, false positives, false negatives.

    The objects of a class are its connected components, over edges and corners. A predicted one is right where its IoU
    with a true one is above 0.5, as in the 2018 Data Science Bowl (doi:10.1038/s41592-019-0612-7). Pixels of 255,
    unknown, belong to no object.

    Args:
        predicted: class ids (h, w).
        truth: class ids (h, w).
        class_id: of the objects.
    """
    known = truth != UNKNOWN
    found, found_count = _components((predicted == class_id) & known)
    wanted, wanted_count = _components(truth == class_id)
    pairs = np.bincount((wanted * (found_count + 1) + found).ravel(), minlength=(wanted_count + 1) * (found_count + 1))
    overlaps = pairs.reshape(wanted_count + 1, found_count + 1)
    unions = overlaps.sum(1, keepdims=True) + overlaps.sum(0, keepdims=True) - overlaps
    matched = int((overlaps[1:, 1:] > MATCHED * unions[1:, 1:]).sum())
    return np.array([matched, found_count - matched, wanted_count - matched])


def _components(mask: Mask) -> tuple[NDArray[np.int64], int]:
    """Each component's number (h, w), 0 where there is none, and how many there are."""
    from scipy.ndimage import label

    numbers, count = label(mask, structure=np.ones((3, 3)))
    return numbers.astype(np.int64), int(count)
