"""Match predicted and true objects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN
from unetzoo.objects.ids import label_components

Numbers = NDArray[np.int64]
ObjectPair = tuple[NDArray[np.integer], NDArray[np.integer]]
"""Numbers of predicted and of true objects (h, w), 0 where there is none; true ones of -1 are unknown."""
MATCHED = 0.5  # IoU above which objects match; above a half, no object has two partners


@dataclass(frozen=True)
class Objects:
    """The objects of one class in a prediction and in the truth, and which of them share pixels.

    Attributes:
        predicted: object number of each pixel (h, w), from 1 on; 0: none.
        truth: the same for true objects.
        pairs: (pairs, 2): numbers of a true object and a predicted one that share pixels.
        overlaps: (pairs,): how many.
        sizes: (n + 1,): pixels of each predicted object, by its number; 0 for 0.
        true_sizes: the same for true objects.
    """

    predicted: NDArray[np.integer]
    truth: NDArray[np.integer]
    pairs: Numbers
    overlaps: Numbers
    sizes: Numbers
    true_sizes: Numbers

    @property
    def unions(self) -> Numbers:
        """Pixels (pairs,) of either object of each pair."""
        return self.true_sizes[self.pairs[:, 0]] + self.sizes[self.pairs[:, 1]] - self.overlaps

    @property
    def partners(self) -> Numbers:
        """The pairs of a true object and the predicted one that matches it."""
        return self.pairs[self.overlaps > MATCHED * self.unions]

    @property
    def split(self) -> Numbers:
        """The pairs of a true object that holds more than half of each of several predicted ones, and these."""
        return _repeated(self.pairs[2 * self.overlaps > self.sizes[self.pairs[:, 1]]], 0)

    @property
    def merged(self) -> Numbers:
        """The pairs of true objects and a predicted one that holds more than half of each of several of them."""
        return _repeated(self.pairs[2 * self.overlaps > self.true_sizes[self.pairs[:, 0]]], 1)

    @property
    def counts(self) -> Numbers:
        """(3,) of true positives, false positives, false negatives."""
        matches = len(self.partners)
        return np.array([matches, len(self.sizes) - 1 - matches, len(self.true_sizes) - 1 - matches])


def match(
    predicted: NDArray[np.integer],
    truth: NDArray[np.integer],
    class_id: int,
    numbers: NDArray[np.integer] | None = None,
) -> Objects:
    """Match each predicted object to a true one.

    The objects of a class are its connected components, over edges and corners; true objects are those that masks
    number, if they do. A predicted object is right if its IoU with a true one is above 0.5, as in the 2018 Data
    Science Bowl (doi:10.1038/s41592-019-0612-7). Pixels of 255, unknown, belong to no object.

    Args:
        predicted: class ids (h, w).
        truth: class ids (h, w).
        class_id: of the objects.
        numbers: of the true objects (h, w); None: connected components.
    """
    return match_objects(*component_pair(predicted, truth, class_id, numbers))


def component_pair(
    predicted: NDArray[np.integer],
    truth: NDArray[np.integer],
    class_id: int,
    numbers: NDArray[np.integer] | None = None,
) -> ObjectPair:
    """Number the predicted and the true objects of a class, from its pixels; arguments as of `match`."""
    components = label_components((predicted == class_id) & (truth != UNKNOWN))
    is_true = truth == class_id
    return components, label_components(is_true) if numbers is None else _numbered(numbers, is_true)


def match_objects(predicted: NDArray[np.integer], truth: NDArray[np.integer]) -> Objects:
    """Match predicted objects (h, w) to true ones, both numbered; a pixel of a negative true number is unknown."""
    known = predicted * (truth >= 0)
    objects, true_objects = _numbered(known, known > 0), _numbered(truth, truth > 0)
    sizes, true_sizes = _sizes(objects), _sizes(true_objects)
    shared = (objects > 0) & (true_objects > 0)
    codes, overlaps = np.unique(true_objects[shared] * len(sizes) + objects[shared], return_counts=True)
    pairs = np.stack(np.divmod(codes, len(sizes)), axis=1)
    return Objects(objects, true_objects, pairs, overlaps, sizes, true_sizes)


def _numbered(numbers: NDArray[np.integer], mask: NDArray[np.bool_]) -> Numbers:
    """The objects of a mask, numbered from 1 on without gaps."""
    _, places = np.unique(numbers[mask], return_inverse=True)
    whole = np.zeros(mask.shape, np.int64)
    whole[mask] = places.ravel() + 1
    return whole


def _sizes(objects: Numbers) -> Numbers:
    """Pixels (n + 1,) of each object; 0 for 0."""
    sizes: Numbers = np.bincount(objects.ravel())
    sizes[0] = 0
    return sizes


def _repeated(pairs: Numbers, side: int) -> Numbers:
    """The pairs (pairs, 2) whose true (0) or predicted (1) object is in several of them."""
    repeated: Numbers = pairs[np.bincount(pairs[:, side])[pairs[:, side]] > 1]
    return repeated
