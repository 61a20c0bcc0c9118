import numpy as np

from unetzoo.evaluation.instances import match


def _mask(*boxes, size=40):
    mask = np.zeros((size, size), dtype=np.int64)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = 1
    return mask


def _counts(*masks):
    return match(*masks).counts


def test_objects_found_invented_and_missed_are_counted():
    truth = _mask((0, 0, 10, 10), (20, 20, 10, 10), (0, 30, 5, 5))
    predicted = _mask((0, 1, 10, 10), (35, 35, 3, 3), (0, 30, 5, 5))
    assert _counts(predicted, truth, 1).tolist() == [2, 1, 1]


def test_an_overlap_of_half_is_not_enough_and_of_more_is():
    truth = _mask((0, 0, 10, 10))
    assert _counts(_mask((0, 0, 10, 5)), truth, 1).tolist() == [0, 1, 1]  # IoU 0.5 exactly
    assert _counts(_mask((0, 0, 10, 6)), truth, 1).tolist() == [1, 0, 0]


def test_two_objects_that_were_joined_are_at_best_one():
    truth = _mask((0, 0, 10, 10), (0, 11, 10, 5))
    assert _counts(_mask((0, 0, 10, 16)), truth, 1).tolist() == [1, 0, 1]


def test_objects_that_touch_at_a_corner_are_one():
    assert _counts(_mask((0, 0, 3, 3), (3, 3, 3, 3)), _mask((0, 0, 3, 3), (3, 3, 3, 3)), 1).tolist() == [
        1,
        0,
        0,
    ]


def test_nothing_predicted_and_nothing_there_count_nothing():
    assert _counts(_mask(), _mask(), 1).tolist() == [0, 0, 0]


def test_other_classes_and_unknown_pixels_belong_to_no_object():
    truth = _mask((0, 0, 10, 10))
    truth[20:30, 20:30] = 255
    truth[30:, :10] = 2
    assert _counts(_mask((0, 0, 10, 10), (20, 20, 10, 10)), truth, 1).tolist() == [1, 0, 0]


def test_objects_that_masks_number_are_told_apart_though_they_touch():
    truth, predicted = _mask((0, 0, 10, 16), (20, 20, 10, 10)), _mask((0, 0, 10, 16), (20, 20, 10, 10))
    numbers = 7 * truth
    numbers[:10, 10:16] = 35  # the second part of the first box
    numbers[20:] *= 2
    assert _counts(predicted, truth, 1, numbers).tolist() == [2, 0, 1]


def test_many_objects_need_little_memory():
    rows = np.arange(1500)
    predicted = ((rows % 2 == 0)[:, None] & (rows % 2 == 0)).astype(np.int64)  # 562,500 single pixels
    truth = np.kron(predicted[:750, :750], np.ones((2, 2), np.int64))  # 140,625 squares of four, each with one of them
    assert _counts(predicted, truth, 1).tolist() == [0, 562_500, 140_625]
