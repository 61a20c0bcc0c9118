import numpy as np
import pytest
from drawn_objects import drawn, ellipses, nuclei
from scipy.ndimage import distance_transform_edt

from unetzoo.objects.ids import contacts, separate_objects
from unetzoo.objects.weighted import Weighted


def _full_formula(objects, border, sigma):
    """One distance map for each object."""
    maps = np.stack([distance_transform_edt(objects != number) for number in range(1, objects.max() + 1)])
    nearest, second = np.sort(maps, axis=0)[:2]
    return 1 + np.where(objects == 0, border * np.exp(-((nearest + second) ** 2) / (2 * sigma**2)), 0)


@pytest.mark.parametrize(("border", "sigma"), [(10, 5), (3, 2), (40, 9), (10, 30)])
@pytest.mark.parametrize("ids", [nuclei(160), ellipses(), ellipses(3, seed=5)], ids=["nuclei", "ellipses", "three"])
def test_weights_are_those_of_the_full_formula(ids, border, sigma):
    objects = separate_objects(ids)
    objects[contacts(objects)] = 0
    weights = Weighted(border=border, sigma=sigma).weights(ids)[0]
    np.testing.assert_allclose(weights, _full_formula(objects, border, sigma), atol=2e-4, rtol=1e-6)


def test_the_paper_s_weights_are_within_a_ten_thousandth():
    objects = separate_objects(ellipses(5, seed=1))
    objects[contacts(objects)] = 0
    difference = Weighted().weights(objects)[0] - _full_formula(objects, 10, 5)
    assert abs(difference).max() < 1e-4


def test_a_gap_of_a_pixel_weighs_as_calculated_by_hand():
    weights = Weighted(border=10, sigma=5).weights(drawn("11.22"))[0, 0]
    np.testing.assert_allclose(weights, [1, 1, 1 + 10 * np.exp(-4 / 50), 1, 1], rtol=1e-6)


def test_objects_and_background_have_weights_of_their_own():
    weights = Weighted(border=0, inside=3, background=2).weights(drawn("11..", "...."))
    assert weights.tolist() == [[[3, 3, 2, 2], [2, 2, 2, 2]]]


def test_objects_that_touch_are_parted():
    assert Weighted().encode(drawn("111222", "111222")).astype(int).tolist() == [drawn("11..11", "11..11").tolist()]


def test_one_object_has_no_gap():
    assert (Weighted().weights(drawn("1.", "..")) == 1).all()
