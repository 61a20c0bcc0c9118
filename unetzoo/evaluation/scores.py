"""Count pixels by class, and compute the usual scores from the counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

Counts = NDArray[Any]
"""(..., classes, 3): pixels of each class, perhaps weighted: true positives, false positives and false negatives."""
Scores = NDArray[np.float64]
"""(..., classes): from 0 to 1; NaN if the score is 0 / 0, as for a class that is neither in the truth nor predicted."""


def count(predicted: NDArray[np.integer], truth: NDArray[np.integer], classes: int, *, axes: int = 2) -> Counts:
    """Count the pixels of each class: (classes, 3) of true positives, false positives and false negatives.

    Args:
        predicted: class ids (h, w), from 0 to classes - 1; or planes (classes, h, w) of 0 and 1.
        truth: class ids (h, w), or planes (classes, h, w); pixels of 255, unknown, do not count.
        classes: at least 2, of planes at least 1.
        axes: of space: 3 of volumes, (d, h, w) or (classes, d, h, w).
    """
    if truth.ndim > axes:
        return np.stack([_count_plane(*pair) for pair in zip(predicted, truth, strict=True)])
    is_known = truth != UNKNOWN
    pairs = truth[is_known].astype(np.int64) * classes + predicted[is_known]
    confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    true = confusion.diagonal()
    return np.stack([true, confusion.sum(0) - true, confusion.sum(1) - true], axis=-1)


def _count_plane(predicted: NDArray[np.integer], truth: NDArray[np.integer]) -> Counts:
    """Count the pixels of a class of its own (3,)."""
    is_on, is_true, is_false = predicted == 1, truth == 1, truth == 0
    pairs = ((is_on & is_true), (is_on & is_false), (~is_on & is_true))
    return np.array([np.count_nonzero(pair) for pair in pairs])


def is_there(counts: Counts) -> NDArray[np.bool_]:
    """Which classes (..., classes) the truth has; means are over these, because predictions do not change them."""
    return np.asarray(counts[..., 0] + counts[..., 2] > 0)


def mean_of(scores: Scores, there: NDArray[np.bool_]) -> float | None:
    """Mean of the defined scores (classes,) of classes in the truth; None if there is none."""
    chosen = scores[there & ~np.isnan(scores)]
    return float(chosen.mean()) if chosen.size else None


def iou(counts: Counts) -> Scores:
    """Intersection over union, the Jaccard index: TP / (TP + FP + FN)."""
    true, false, missed = np.moveaxis(counts, -1, 0)
    return _ratio(true, true + false + missed)


def dice(counts: Counts) -> Scores:
    """Dice coefficient, the F1 score: 2 TP / (2 TP + FP + FN)."""
    true, false, missed = np.moveaxis(counts, -1, 0)
    return _ratio(2 * true, 2 * true + false + missed)


def precision(counts: Counts) -> Scores:
    """Share of predicted pixels that are right: TP / (TP + FP)."""
    true, false, _ = np.moveaxis(counts, -1, 0)
    return _ratio(true, true + false)


def recall(counts: Counts) -> Scores:
    """Share of true pixels that are predicted, the sensitivity: TP / (TP + FN)."""
    true, _, missed = np.moveaxis(counts, -1, 0)
    return _ratio(true, true + missed)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Scores:
    ratio: Scores = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio
