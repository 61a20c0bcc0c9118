import numpy as np
import pytest

from unetzoo.demo.scores import dice, iou, score

_TRUTH = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0]], dtype=bool)
_PREDICTED = np.array([[0, 1, 1, 0, 0], [0, 1, 0, 0, 0]], dtype=bool)  # 2 of 4 found, 1 that is none
_EMPTY = np.zeros((2, 5), dtype=bool)


def test_iou_is_intersection_over_union():
    assert iou(_PREDICTED, _TRUTH) == pytest.approx(2 / 5)


def test_dice_is_twice_the_intersection_over_both_sizes():
    assert dice(_PREDICTED, _TRUTH) == pytest.approx(2 * 2 / (3 + 4))


def test_mean_iou_counts_background_as_much_as_nuclei():
    background = 5 / 8
    scores = score(_PREDICTED, _TRUTH)
    assert scores.mean_iou == pytest.approx((2 / 5 + background) / 2)
    assert scores.dice == pytest.approx(4 / 7)


@pytest.mark.parametrize("measure", [iou, dice])
def test_two_empty_masks_agree(measure):
    assert measure(_EMPTY, _EMPTY) == 1


@pytest.mark.parametrize("measure", [iou, dice])
def test_nothing_found_is_zero(measure):
    assert measure(_EMPTY, _TRUTH) == 0
