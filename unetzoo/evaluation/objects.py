"""Scores of objects: average precision, panoptic quality, aggregated Jaccard index, and what went wrong."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.evaluation.instances import Objects, match_objects
from unetzoo.evaluation.scores import Scores, iou

Numbers = NDArray[np.integer]
Tallies = NDArray[np.float64]
"""(..., 17) numbers of one image that sum up over images and classes, in the order of `Tally`."""
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
    """Count the objects of an image (17,), see `Tally`.

    Args:
        predicted: number of each pixel's object (h, w); 0: none.
        truth: the same for true objects; pixels of a negative number are unknown and belong to no object at all.
    """
    objects = match_objects(predicted, truth)
    overlaps, unions = objects.overlaps, objects.unions
    is_match = 20 * overlaps[:, None] > _TWENTIETHS * unions[:, None]
    sizes = len(objects.sizes) - 1, len(objects.true_sizes) - 1
    ious = (overlaps / unions)[is_match[:, 0]].sum()
    split, merged = len(np.unique(objects.split[:, 0])), len(np.unique(objects.merged[:, 1]))
    return np.array([*is_match.sum(0), *sizes, ious, *_aggregated(objects), split, merged], np.float64)


def no_objects() -> Tallies:
    """The tally (17,) of an image without objects, to which others are added."""
    return np.zeros(_MATCHES + len(Tally._fields) - 1)


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


def _aggregated(objects: Objects) -> tuple[int, int]:
    """Intersections and unions of the aggregated Jaccard index."""
    pairs, overlaps, unions = objects.pairs, objects.overlaps, objects.unions
    order = np.lexsort((-overlaps / unions, pairs[:, 0]))
    first = order[np.unique(pairs[order, 0], return_index=True)[1]]  # of each true object the best pair
    lone = np.delete(objects.sizes, pairs[first, 1]).sum() + np.delete(objects.true_sizes, pairs[first, 0]).sum()
    return int(overlaps[first].sum()), int(unions[first].sum() + lone)


def _counts(numbers: Tally) -> NDArray[np.float64]:
    """(..., 10, 3) of true positives, false positives, false negatives."""
    matches = numbers.matches
    return np.stack([matches, numbers.predicted[..., None] - matches, numbers.truth[..., None] - matches], -1)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Scores:
    ratio: Scores = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return ratio
