import numpy as np
import pytest

from unetzoo.nn.coding import UNKNOWN
from unetzoo.training.places import ClassPlaces


def _by_a_scan(mask, random):
    """The same draw by a look at all pixels."""
    present = np.unique(mask[mask != UNKNOWN])
    expected = present[random.integers(len(present))]
    rows, columns = np.nonzero(mask == expected)
    index = random.integers(len(rows))
    return int(rows[index]), int(columns[index])


@pytest.mark.parametrize("shape", [(1, 1), (64, 3), (65, 40), (200, 7)])
def test_a_draw_is_that_of_a_scan_of_all_pixels(shape):
    random = np.random.default_rng(0)
    mask = random.choice(np.array([0, 3, 200, UNKNOWN], np.uint8), size=shape, p=[0.6, 0.05, 0.05, 0.3])
    mask[0, 0] = 3
    places = ClassPlaces(mask)
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(100):
        assert places.draw(mask, first) == _by_a_scan(mask, second)


def test_unknown_pixels_are_of_no_class():
    assert ClassPlaces(np.full((70, 5), UNKNOWN, np.uint8)).classes.size == 0


def test_each_class_and_each_of_its_pixels_is_drawn_equally_often():
    mask = np.zeros((130, 20), np.uint8)
    mask[1, 2] = mask[129, 19] = 1
    places, random = ClassPlaces(mask), np.random.default_rng(0)
    draws = [places.draw(mask, random) for _ in range(2000)]
    rare = [place for place in draws if mask[place]]
    assert len(rare) / len(draws) == pytest.approx(0.5, abs=0.05)
    assert rare.count((1, 2)) / len(rare) == pytest.approx(0.5, abs=0.05)
