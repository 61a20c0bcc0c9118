import numpy as np
import pytest

from unetzoo.evaluation.surface import surface_scores


def _square(left, size=64):
    mask = np.zeros((size, size), dtype=np.int64)
    mask[20:40, left : left + 20] = 1
    return mask


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_a_shifted_square_is_as_far_as_it_was_shifted(shift):
    distances, _ = surface_scores(_square(20 + shift), _square(20), 2, tolerance=1)
    assert distances[1] == shift


def test_surface_dice_is_the_share_of_the_outline_within_the_tolerance():
    _, within = surface_scores(_square(22), _square(20), 2, tolerance=2)
    _, beyond = surface_scores(_square(22), _square(20), 2, tolerance=1)
    assert within[1] == 1
    assert 0.4 < beyond[1] < 0.75  # the upper and lower edges, but for their ends


def test_a_class_that_lacks_on_one_side_has_no_distance_and_no_overlap():
    distances, dices = surface_scores(np.zeros((64, 64), np.int64), _square(20), 2, tolerance=1)
    assert np.isnan(distances[1])
    assert dices[1] == 0


def test_a_class_that_lacks_on_both_sides_has_neither():
    distances, dices = surface_scores(_square(20), _square(20), 3, tolerance=1)
    assert np.isnan(distances[2])
    assert np.isnan(dices[2])


def test_where_the_truth_is_unknown_the_prediction_is_right():
    truth = _square(20)
    predicted = truth.copy()
    predicted[50:60, 50:60] = 1
    truth[50:60, 50:60] = 255
    distances, _ = surface_scores(predicted, truth, 2, tolerance=1)
    assert distances.tolist() == [0, 0]


def test_unknown_pixels_bring_in_no_class():
    truth = np.ones((64, 64), np.int64)
    truth[:, :20] = 255
    distances, dices = surface_scores(np.ones_like(truth), truth, 2, tolerance=1)
    assert np.isnan(distances[0])
    assert np.isnan(dices[0])
    assert (distances[1], dices[1]) == (0, 1)
    distances, dices = surface_scores(_square(20), np.full((64, 64), 255), 2, tolerance=1)
    assert np.isnan(distances).all()
    assert np.isnan(dices).all()
