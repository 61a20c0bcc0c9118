"""Scores of objects: average precision, panoptic quality, aggregated Jaccard index, and what went wrong."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.evaluation.scores import Scores, iou

Numbers = NDArray[np.integer]
Tallies = NDArray[np.float64]
"""(..., 18) numbers of one image that sum up over images and classes, in the order of `Tally`."""
_TWENTIETHS = np.arange(10, 20)  # IoUs of 0.5, 0.55, ..., 0.95, as whole numbers
_MATCHES = len(_TWENTIETHS)


class Tally(NamedTuple):
    """Numbers of objects that sum up over images.

    Attributes:
        matches: (..., 10) pairs of a true and a predicted object with an IoU above 0.5, 0.55, ..., 0.95.
        predicted: objects of the prediction.
        truth: objects of the truth.
        iou: sum of the IoUs of the pairs above 0.5.
        shared: pixels in the intersections of the aggregated Jaccard index.
        joined: pixels in its unions.
        split: true objects that hold more than half of the pixels of each of several predicted ones.
        merged: predicted objects that hold more than half of the pixels of each of several true ones.
    """

    matches: NDArray[np.float64]
    predicted: NDArray[np.float64]
    truth: NDArray[np.float64]
    iou: NDArray[np.float64]
    shared: NDArray[np.float64]
    joined: NDArray[np.float64]
    split: NDArray[np.float64]
    merged: NDArray[np.float64]


def tally(predicted: Numbers, truth: Numbers) -> Tallies:
    """Count the objects of an image (18,), see `Tally`.

    Args:
        predicted: number of each pixel's object (h, w); 0: none.
        truth: the same for true objects; pixels of a negative number are unknown and belong to no object at all.
    """
    pairs, overlaps, predicted_sizes, true_sizes = _overlaps(np.where(truth < 0, 0, predicted), np.maximum(truth, 0))
    unions = true_sizes[pairs[:, 0]] + predicted_sizes[pairs[:, 1]] - overlaps
    is_match = 20 * overlaps[:, None] > _TWENTIETHS * unions[:, None]
    shared, joined = _aggregated(pairs, overlaps, unions, predicted_sizes, true_sizes)
    counts = (len(predicted_sizes), len(true_sizes), (overlaps / unions)[is_match[:, 0]].sum(), shared, joined)
    split = _holders(pairs[:, 0], 2 * overlaps > predicted_sizes[pairs[:, 1]], len(true_sizes))
    merged = _holders(pairs[:, 1], 2 * overlaps > true_sizes[pairs[:, 0]], len(predicted_sizes))
    return np.array([*is_match.sum(0), *counts, split, merged], np.float64)


def read_tally(tallies: Tallies) -> Tally:
    """The numbers by name."""
    return Tally(tallies[..., :_MATCHES], *np.moveaxis(tallies[..., _MATCHES:], -1, 0))


def average_precision(tallies: Tallies) -> Scores:
    """Mean of TP / (TP + FP + FN) over the ten IoUs (...,), as in the 2018 Data Science Bowl; NaN without objects."""
    numbers = read_tally(tallies)
    return np.asarray(iou(_counts(numbers)).mean(-1))


def precision_at_half(tallies: Tallies) -> Scores:
    """TP / (TP + FP + FN) at an IoU above 0.5."""
    return np.asarray(iou(_counts(read_tally(tallies))[..., 0, :]))


def f1(tallies: Tallies) -> Scores:
    """2 TP / (2 TP + FP + FN) at an IoU above 0.5, the recognition quality of arXiv:1801.00868."""
    numbers = read_tally(tallies)
    return _ratio(2 * numbers.matches[..., 0], numbers.predicted + numbers.truth)


def segmentation_quality(tallies: Tallies) -> Scores:
    """Mean IoU of the pairs above 0.5 (arXiv:1801.00868); NaN where there is none."""
    numbers = read_tally(tallies)
    return _ratio(numbers.iou, numbers.matches[..., 0])


def panoptic_quality(tallies: Tallies) -> Scores:
    """Sum of the IoUs of the pairs above 0.5 / (TP + FP / 2 + FN / 2) (arXiv:1801.00868, eq. 1)."""
    numbers = read_tally(tallies)
    return _ratio(2 * numbers.iou, numbers.predicted + numbers.truth)


def aggregated_jaccard(tallies: Tallies) -> Scores:
    """Aggregated Jaccard index (doi:10.1109/TMI.2017.2677499).

    The sum of the intersections of each true object and the predicted one with the largest IoU, over the sum of their
    unions and of all objects that have no partner.
    """
    numbers = read_tally(tallies)
    return _ratio(numbers.shared, numbers.joined)


def precision(tallies: Tallies) -> Scores:
    """Share of predicted objects that are found at an IoU above 0.5."""
    numbers = read_tally(tallies)
    return _ratio(numbers.matches[..., 0], numbers.predicted)


def recall(tallies: Tallies) -> Scores:
    """Share of true objects that are found at an IoU above 0.5."""
    numbers = read_tally(tallies)
    return _ratio(numbers.matches[..., 0], numbers.truth)


SCORES: Mapping[str, Callable[[Tallies], Scores]] = {
    "AP": average_precision,
    "AP at 0.5": precision_at_half,
    "F1": f1,
    "precision": precision,
    "recall": recall,
    "PQ": panoptic_quality,
    "SQ": segmentation_quality,
    "RQ": f1,
    "AJI": aggregated_jaccard,
}
"""Scores by name; the panoptic quality is the product of segmentation and recognition quality (PQ = SQ * RQ)."""
COUNTS = ("found", "missed", "false", "split", "merged")


def object_counts(tallies: Tallies) -> dict[str, NDArray[np.float64]]:
    """Numbers (...,) of objects found, missed, false, split and merged, by name, at an IoU above 0.5."""
    numbers = read_tally(tallies)
    matches = numbers.matches[..., 0]
    counts = (matches, numbers.truth - matches, numbers.predicted - matches, numbers.split, numbers.merged)
    return dict(zip(COUNTS, counts, strict=True))


def _overlaps(predicted: Numbers, truth: Numbers) -> tuple[NDArray[np.int64], ...]:
    """Which objects share pixels (pairs, 2), true and predicted; how many; and the sizes of all objects.

    Objects are numbered from 0 on without gaps here, the true and the predicted ones.
    """
    (true_sizes, true_places), (sizes, places) = _ranked(truth), _ranked(predicted)
    both = (true_places >= 0) & (places >= 0)
    codes, overlaps = np.unique(true_places[both] * max(1, len(sizes)) + places[both], return_counts=True)
    pairs = np.stack(np.divmod(codes, max(1, len(sizes))), axis=1)
    return pairs, overlaps, sizes, true_sizes


def _ranked(numbers: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sizes of the objects, and the place of each pixel's object among them (pixels,); -1: none."""
    present, places, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    is_object = present > 0
    ranks = np.where(is_object, np.cumsum(is_object) - 1, -1)
    return sizes[is_object], ranks[places.ravel()]


def _aggregated(
    pairs: NDArray[np.int64],
    overlaps: NDArray[np.int64],
    unions: NDArray[np.int64],
    predicted_sizes: NDArray[np.int64],
    true_sizes: NDArray[np.int64],
) -> tuple[int, int]:
    """Intersections and unions of the aggregated Jaccard index."""
    order = np.lexsort((-overlaps / unions, pairs[:, 0]))
    first = order[np.unique(pairs[order, 0], return_index=True)[1]]  # of each true object the best pair
    lone, lone_true = np.ones(len(predicted_sizes), bool), np.ones(len(true_sizes), bool)
    lone_true[pairs[first, 0]], lone[pairs[first, 1]] = False, False
    joined = unions[first].sum() + predicted_sizes[lone].sum() + true_sizes[lone_true].sum()
    return int(overlaps[first].sum()), int(joined)


def _holders(holders: NDArray[np.int64], lies_in: NDArray[np.bool_], count: int) -> int:
    """How many objects hold more than half of each of several others."""
    return int((np.bincount(holders[lies_in], minlength=count) > 1).sum())


def _counts(numbers: Tally) -> NDArray[np.float64]:
    """(..., 10, 3) of true positives, false positives, false negatives."""
    matches = numbers.matches
    return np.stack([matches, numbers.predicted[..., None] - matches, numbers.truth[..., None] - matches], -1)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Scores:
    ratio: Scores = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return ratio
