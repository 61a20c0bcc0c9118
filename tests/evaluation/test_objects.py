"""Scores of objects, beside counts by hand and loops over all pairs."""

import numpy as np
import pytest
from drawn_objects import drawn, ellipses

from unetzoo.evaluation import objects as scores
from unetzoo.evaluation.instances import match_objects
from unetzoo.evaluation.objects import read_tally, tally

TRUTH = drawn("1111.2222", "1111.2222", ".........", "33.44.555")


def test_perfect_objects_have_perfect_scores_whatever_their_numbers():
    counts = tally(np.where(TRUTH > 0, 99 - TRUTH, 0), TRUTH)
    numbers = read_tally(counts)
    assert (numbers.matches.tolist(), numbers.predicted, numbers.truth) == ([5] * 10, 5, 5)
    assert (numbers.split, numbers.merged) == (0, 0)
    for score in (scores.average_precision, scores.f1, scores.panoptic_quality, scores.aggregated_jaccard):
        assert score(counts) == 1


def test_counts_by_hand():
    # 1 loses two of eight pixels, 2 is split, 3 and 4 are one, 5 is missed, and one is false
    predicted = drawn("111..2233", "111..2233", "7........", "55555....")
    counts = tally(predicted, TRUTH)
    numbers = read_tally(counts)
    assert (numbers.predicted, numbers.truth) == (5, 5)
    # IoUs: 1 with 1: 6/8; 2 with each half: 4/8, which is not above 0.5; 3 and 4 with 5: 2/5
    assert numbers.matches.tolist() == [1] * 5 + [0] * 5
    assert (numbers.split, numbers.merged) == (1, 1)
    assert scores.precision_at_half(counts) == pytest.approx(1 / 9)
    assert scores.average_precision(counts) == pytest.approx((5 / 9) / 10)
    assert scores.f1(counts) == pytest.approx(2 / 10)
    assert scores.segmentation_quality(counts) == pytest.approx(0.75)
    assert scores.panoptic_quality(counts) == pytest.approx(0.75 / (1 + 4 / 2 + 4 / 2))
    # aggregated: 1: 6 of 8; 2 with one half: 4 of 8; 3 and 4 with 5: 2 of 5 each; lone: 5 (3), half of 2 (4), 7 (1)
    assert scores.aggregated_jaccard(counts) == pytest.approx((6 + 4 + 2 + 2) / (8 + 8 + 5 + 5 + 3 + 4 + 1))


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_a_loop_over_all_pairs(seed):
    truth, predicted = ellipses(20, 80, seed=seed), np.roll(ellipses(20, 80, seed=seed), (1, 2), (0, 1))
    predicted[predicted == np.unique(predicted)[3]] = 0
    masks, others = ([ids == number for number in np.unique(ids) if number] for ids in (truth, predicted))
    ious = np.array([[(mask & other).sum() / (mask | other).sum() for other in others] for mask in masks])
    counts = tally(predicted, truth)
    precisions = []
    for place, threshold in enumerate(range(50, 100, 5)):
        positives = (ious * 100 > threshold + 1e-9).sum()
        assert read_tally(counts).matches[place] == positives
        precisions.append(positives / (len(masks) + len(others) - positives))
    assert scores.average_precision(counts) == pytest.approx(np.mean(precisions))
    matched = ious[ious > 0.5]
    quality = matched.sum() / (len(matched) + (len(masks) + len(others) - 2 * len(matched)) / 2)
    assert scores.panoptic_quality(counts) == pytest.approx(quality)
    shared = joined = 0
    used = set()
    for mask, row in zip(masks, ious, strict=True):
        best = int(row.argmax())
        if row[best] > 0:
            shared, joined = shared + (mask & others[best]).sum(), joined + (mask | others[best]).sum()
            used.add(best)
        else:
            joined += mask.sum()
    joined += sum(other.sum() for place, other in enumerate(others) if place not in used)
    assert scores.aggregated_jaccard(counts) == pytest.approx(shared / joined)


def test_unknown_pixels_belong_to_no_object():
    truth = drawn("11??", "11??")
    predicted = drawn("1122", "1122")
    assert read_tally(tally(predicted, truth)).predicted == 1
    assert scores.average_precision(tally(predicted, truth)) == 1
    assert match_objects(predicted, truth).counts.tolist() == [1, 0, 0]


def test_images_without_objects_have_no_score_and_false_objects_count():
    empty = np.zeros((4, 4), int)
    assert np.isnan(scores.average_precision(tally(empty, empty)))
    assert np.isnan(scores.aggregated_jaccard(tally(empty, empty)))
    assert scores.average_precision(tally(np.eye(4, dtype=int), empty)) == 0
    assert scores.average_precision(tally(empty, np.eye(4, dtype=int))) == 0


def test_tallies_of_images_add_up():
    pair = [tally(ellipses(9, 40, seed=seed), ellipses(9, 40, seed=seed + 10)) for seed in range(2)]
    sizes = [read_tally(one).truth for one in pair]
    assert read_tally(np.sum(pair, axis=0)).truth == sum(sizes)
    assert scores.average_precision(np.stack(pair)).shape == (2,)
