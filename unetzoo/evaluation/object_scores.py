"""Scores and numbers of objects over images, with intervals."""

from dataclasses import dataclass

import numpy as np

from unetzoo.evaluation.bootstrap import Bootstrap, Estimate
from unetzoo.evaluation.objects import COUNTS, SCORES, Tallies, object_counts, read_tally

PER_IMAGE = (*(f"{name} per image" for name in COUNTS), "count error per image")


@dataclass(frozen=True)
class ObjectScores:
    """How well the objects of a class, or of several together, are found.

    An object is found if its IoU with an object of its class is above 0.5.

    Attributes:
        scores: by name: AP (mean over IoUs of 0.5 to 0.95), AP at 0.5, F1, precision, recall, PQ, SQ, RQ (which is F1)
            and AJI, 0 to 1, from sums over all images (`unetzoo.evaluation.objects` has the definitions); and means
            over images: numbers of objects found, missed, false, split and merged, and the count error, the absolute
            difference between the predicted and the true number.
        counts: numbers of objects found, missed, false, split and merged in all images.
    """

    scores: dict[str, Estimate]
    counts: dict[str, int]


def object_scores(tallies: Tallies, bootstrap: Bootstrap) -> ObjectScores:
    """The scores from the tallies (images, 17) of each image."""
    shares = bootstrap.of_sums(tallies, lambda sums: np.stack([score(sums) for score in SCORES.values()], axis=-1))
    numbers = read_tally(tallies)
    errors = abs(numbers.predicted - numbers.truth)
    means = bootstrap.of_means(np.column_stack([*object_counts(tallies).values(), errors]))
    scores = dict(zip((*SCORES, *PER_IMAGE), (*shares, *means), strict=True))
    return ObjectScores(scores, whole_counts(tallies.sum(0)))


def whole_counts(tallies: Tallies) -> dict[str, int]:
    """The numbers of `object_counts` of a single tally (17,), as whole numbers."""
    return {name: int(count) for name, count in object_counts(tallies).items()}
