"""Scores of objects in evaluation are those of StarDist.

StarDist counts a pair whose IoU is equal to the threshold, unetzoo one whose IoU is above it, as the 2018 Data Science
Bowl does, so that no object has two partners at 0.5. Without any objects StarDist's scores are 0, here there are none.
"""

import numpy as np
import pytest
from label_pairs import BY_HAND, random_pair
from stardist.matching import matching, matching_dataset

from unetzoo.evaluation import objects as scores
from unetzoo.evaluation.instances import match_objects
from unetzoo.evaluation.objects import read_tally, tally

PAIRS = [*BY_HAND.values(), *map(random_pair, range(12))]
THRESHOLDS = [percent / 100 + 1e-6 for percent in range(50, 100, 5)]


@pytest.mark.parametrize(("truth", "predicted"), PAIRS)
def test_scores_of_an_image_are_stardists(truth, predicted):
    counts = tally(predicted, truth)
    numbers = read_tally(counts)
    expected = matching(truth, predicted, thresh=THRESHOLDS)
    half = expected[0]
    assert numbers.matches.tolist() == [one.tp for one in expected]
    assert (numbers.truth, numbers.predicted) == (half.n_true, half.n_pred)
    assert scores.average_precision(counts) == pytest.approx(np.mean([one.accuracy for one in expected]))
    assert scores.precision_at_half(counts) == pytest.approx(half.accuracy)
    assert scores.f1(counts) == pytest.approx(half.f1)
    assert scores.panoptic_quality(counts) == pytest.approx(half.panoptic_quality)
    assert np.nan_to_num(scores.segmentation_quality(counts)) == pytest.approx(half.mean_matched_score)
    assert match_objects(predicted, truth).counts.tolist() == [half.tp, half.fp, half.fn]


def test_scores_of_all_images_are_those_of_all_their_objects():
    truths, predictions = zip(*PAIRS, strict=True)
    counts = sum(tally(predicted, truth) for truth, predicted in PAIRS)
    expected = matching_dataset(truths, predictions, thresh=THRESHOLDS, show_progress=False)
    assert expected[0].tp > 50
    assert scores.average_precision(counts) == pytest.approx(np.mean([one.accuracy for one in expected]))
    assert scores.f1(counts) == pytest.approx(expected[0].f1)
    assert scores.panoptic_quality(counts) == pytest.approx(expected[0].panoptic_quality)
    assert scores.segmentation_quality(counts) == pytest.approx(expected[0].mean_matched_score)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_are_stardists(seed):
    truth, predicted = random_pair(seed)
    expected = matching(truth, predicted, thresh=THRESHOLDS[0], report_matches=True)
    pairs = [expected.matched_pairs[place] for place in expected.matched_tps]
    assert sorted(map(tuple, match_objects(predicted, truth).partners.tolist())) == sorted(pairs)


def test_an_iou_equal_to_the_threshold_is_no_match_here():
    truth, predicted = BY_HAND["split"]
    assert matching(truth, predicted, thresh=0.5).tp == 1
    assert read_tally(tally(predicted, truth)).matches[0] == 0


def test_without_objects_there_is_no_score_here():
    empty = np.zeros((5, 5), int)
    assert matching(empty, empty).accuracy == 0
    assert np.isnan(scores.average_precision(tally(empty, empty)))
