"""Scores of objects in evaluation are those of Cellpose, where they mean the same.

Cellpose 3 needs numpy < 2.1 and OpenCV, so it is not among the packages of the tests:

    pip install 'cellpose < 4' && pytest -m slow tests/parity/test_cellpose_scores.py

Its aggregated Jaccard index pairs each object with at most one other and divides by the foreground of both. That is the
index of its paper (doi:10.1109/TMI.2017.2677499), which `unetzoo` computes, where no object meets two others.
"""

import numpy as np
import pytest
from label_pairs import BY_HAND, random_pair

from unetzoo.evaluation import objects as scores
from unetzoo.evaluation.objects import read_tally, tally
from unetzoo.objects import renumber

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:invalid value encountered in divide:RuntimeWarning"
    ),  # of Cellpose: no background
]
PAIRS = [*BY_HAND.values(), *map(random_pair, range(12))]
THRESHOLDS = [percent / 100 + 1e-6 for percent in range(50, 100, 5)]  # Cellpose counts pairs at the threshold, too


@pytest.fixture(scope="module")
def metrics():
    return pytest.importorskip("cellpose.metrics")


def _one_to_one(truth, predicted):
    """The pair without objects that meet more than one of the others."""
    pairs = np.unique(np.stack([truth, predicted])[:, (truth > 0) & (predicted > 0)], axis=1)
    for ids, numbers in ((truth, pairs[0]), (predicted, pairs[1])):
        present, counts = np.unique(numbers, return_counts=True)
        ids[np.isin(ids, present[counts > 1])] = 0
    return renumber(truth), renumber(predicted)


@pytest.mark.parametrize(("truth", "predicted"), PAIRS)
def test_average_precision_is_cellposes(metrics, truth, predicted):
    counts = tally(predicted, truth)
    precisions, found, false, missed = metrics.average_precision(truth, predicted, THRESHOLDS)
    numbers = read_tally(counts)
    assert numbers.matches.tolist() == found.tolist()
    assert (numbers.predicted - numbers.matches).tolist() == false.tolist()
    assert (numbers.truth - numbers.matches).tolist() == missed.tolist()
    assert scores.average_precision(counts) == pytest.approx(precisions.mean())


@pytest.mark.parametrize("seed", range(12))
def test_the_aggregated_jaccard_index_is_cellposes_where_no_object_meets_two(metrics, seed):
    truth, predicted = _one_to_one(*random_pair(seed))
    assert min(truth.max(), predicted.max()) > 1
    (expected,) = metrics.aggregated_jaccard_index([truth], [predicted])
    assert scores.aggregated_jaccard(tally(predicted, truth)) == pytest.approx(expected)
