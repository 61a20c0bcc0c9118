import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from unetzoo.evaluation.scores import count, dice, iou, is_there, mean_of, precision, recall


@pytest.fixture
def masks():
    random = np.random.default_rng(0)
    return random.integers(0, 4, (40, 30)), random.integers(0, 4, (40, 30))


@pytest.mark.parametrize(
    ("score", "reference"),
    [(iou, jaccard_score), (dice, f1_score), (precision, precision_score), (recall, recall_score)],
)
def test_scores_are_those_of_scikit_learn(score, reference, masks):
    predicted, truth = masks
    expected = reference(truth.ravel(), predicted.ravel(), average=None)
    assert score(count(predicted, truth, 4)) == pytest.approx(expected)


def test_unknown_pixels_do_not_count(masks):
    predicted, truth = masks
    is_known = truth != 2
    truth = np.where(is_known, truth, 255)
    expected = jaccard_score(truth[is_known], predicted[is_known], average=None, labels=range(4))
    assert iou(count(predicted, truth, 4)) == pytest.approx(expected)


def test_a_class_in_neither_has_no_score():
    nothing = np.zeros((4, 4), dtype=np.int64)
    assert np.isnan(iou(count(nothing, nothing, 2))).tolist() == [False, True]


def test_a_class_that_is_never_predicted_has_no_precision_and_no_recall():
    counts = count(np.zeros((2, 2), np.int64), np.ones((2, 2), np.int64), 2)
    assert np.isnan(precision(counts)[1])
    assert recall(counts)[1] == 0


def test_a_mean_is_over_the_classes_that_are_there_whatever_is_predicted():
    truth = np.zeros((10, 10), np.int64)
    truth[:, 5:] = 1
    stray = truth.copy()
    stray[0, 0] = 2
    counts = count(stray, truth, 4)
    assert is_there(counts).tolist() == [True, True, False, False]
    assert mean_of(iou(counts), is_there(counts)) == pytest.approx((49 / 50 + 1) / 2)
    assert mean_of(iou(0 * counts), is_there(0 * counts)) is None
