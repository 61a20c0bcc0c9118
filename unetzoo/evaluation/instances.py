"""Match predicted and true objects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

Numbers = NDArray[np.int64]
ObjectPair = tuple[NDArray[np.integer], NDArray[np.integer]]
"""Numbers of predicted and of true objects (h, w), 0 where there is none; true ones of -1 are unknown."""
MATCHED = 0.5  # IoU above which objects match; above a half, no object has two partners


@dataclass(frozen=True)
class Objects:
    """The objects of one class in a prediction and in the truth.

    Attributes:
        predicted: object number of each pixel (h, w), from 1 on; 0: none.
        truth: the same for true objects.
        partners: (pairs, 2): numbers of a true object and the predicted object that matches it.
        split: the same for each true object that holds more than half of each of several predicted ones, with these.
        merged: the same for each predicted object that holds more than half of each of several true ones, with these.
    """

    predicted: NDArray[np.integer]
    truth: NDArray[np.integer]
    partners: Numbers
    split: Numbers
    merged: Numbers

    @property
    def counts(self) -> Numbers:
        """(3,) of true positives, false positives, false negatives."""
        matches = len(self.partners)
        return np.array([matches, self.predicted.max() - matches, self.truth.max() - matches])


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
    components = _components((predicted == class_id) & (truth != UNKNOWN))
    is_true = truth == class_id
    return components, _components(is_true) if numbers is None else _numbered(numbers, is_true)


def match_objects(predicted: NDArray[np.integer], truth: NDArray[np.integer]) -> Objects:
    """Match predicted objects (h, w) to true ones, both numbered; a pixel of a negative true number is unknown."""
    known = predicted * (truth >= 0)
    objects, true_objects = _numbered(known, known > 0), _numbered(truth, truth > 0)
    pairs, overlaps = _overlaps(objects, true_objects)
    true_sizes = np.bincount(true_objects.ravel())[pairs[:, 0]]
    sizes = np.bincount(objects.ravel())[pairs[:, 1]]
    return Objects(
        predicted=objects,
        truth=true_objects,
        partners=pairs[overlaps > MATCHED * (true_sizes + sizes - overlaps)],
        split=_repeated(pairs[2 * overlaps > sizes], 0),
        merged=_repeated(pairs[2 * overlaps > true_sizes], 1),
    )


def _components(mask: NDArray[np.bool_]) -> Numbers:
    """Number of the component of each pixel (h, w), or 0."""
    from scipy.ndimage import label

    numbers: Numbers = label(mask, structure=np.ones((3, 3)), output=np.int64)[0]
    return numbers


def _numbered(numbers: NDArray[np.integer], mask: NDArray[np.bool_]) -> Numbers:
    """The objects of a mask, numbered from 1 on without gaps."""
    _, places = np.unique(numbers[mask], return_inverse=True)
    whole = np.zeros(mask.shape, np.int64)
    whole[mask] = places.ravel() + 1
    return whole


def _overlaps(predicted: Numbers, truth: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs (pairs, 2) of a true and a predicted object that share pixels, and how many (pairs,)."""
    shared = (predicted > 0) & (truth > 0)
    beyond = predicted.max() + 1
    codes, overlaps = np.unique(truth[shared] * beyond + predicted[shared], return_counts=True)
    return np.stack(np.divmod(codes, beyond), axis=1), overlaps


def _repeated(pairs: Numbers, side: int) -> Numbers:
    """The pairs (pairs, 2) whose true (0) or predicted (1) object is in several of them."""
    repeated: Numbers = pairs[np.bincount(pairs[:, side])[pairs[:, side]] > 1]
    return repeated
