from itertools import pairwise

import numpy as np
import pytest

from unetzoo._utils.colors import CONFUSED, FALSE_NEGATIVE, FALSE_POSITIVE, HIT, NOTHING, UNKNOWN_COLOR, palette
from unetzoo.evaluation.instances import match
from unetzoo.evaluation.pictures import error_colors, legend, objects_panels
from unetzoo.evaluation.sheet import Shown, case_picture, draw_sheet


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, bool])
def test_images_of_any_channels_and_type_are_drawn(channels, dtype):
    image = np.random.default_rng(0).integers(0, 2, (30, 40, channels)).astype(dtype)
    ids = np.zeros((30, 40), dtype=np.int64)
    picture = case_picture(image, ids, ids, ["a", "b"], height=120)
    assert picture.mode == "RGB"
    assert picture.height > 120
    assert picture.width > 4 * 160


@pytest.mark.parametrize("classes", [2, 5, 30])
def test_neighbouring_classes_have_colours_of_their_own_and_none_is_that_of_an_error(classes):
    colors = palette(classes).astype(int)
    assert all(np.abs(first - second).max() > 25 for first, second in pairwise(colors))
    assert (colors[1:] != colors[0]).any(1).all()  # no class looks like the background
    errors = {FALSE_POSITIVE, FALSE_NEGATIVE, CONFUSED, UNKNOWN_COLOR, HIT}
    assert not errors & set(map(tuple, colors.tolist()))


def test_false_positives_negatives_and_confusions_are_told_apart():
    truth = np.array([[0, 0, 1, 1, 2, 255, 255]])
    predicted = np.array([[0, 2, 0, 1, 1, 0, 1]])
    expected = [NOTHING, FALSE_POSITIVE, FALSE_NEGATIVE, HIT, CONFUSED, UNKNOWN_COLOR, UNKNOWN_COLOR]
    assert error_colors(truth, predicted)[0].tolist() == [list(color) for color in expected]


def test_the_legend_names_every_colour():
    two = {text: color for color, text in legend(("background", "cell"), with_unknown=True)}
    assert two["unknown"] == UNKNOWN_COLOR
    assert two["false positive: no cell there"] == FALSE_POSITIVE
    assert two["false negative: cell missed"] == FALSE_NEGATIVE
    three = [text for _, text in legend(("background", "cell", "edge"), with_unknown=False)]
    assert "another class" in three
    assert "unknown" not in three


def test_objects_that_touch_have_an_outline_each_and_those_without_a_partner_another_colour():
    numbers = np.zeros((12, 24), np.int64)
    numbers[2:10, 2:10], numbers[2:10, 10:18] = 1, 2  # side by side
    truth = (numbers > 0).astype(np.int64)
    objects = match(np.where(numbers == 1, 1, 0), truth, 1, numbers)
    assert objects.counts.tolist() == [1, 0, 1]
    blank = np.zeros((12, 24, 3), np.uint8)
    true_panel, predicted_panel = objects_panels(blank, blank, objects)
    assert true_panel[5, 9].tolist() == [0, 158, 115]  # the border between both, each side in its colour
    assert true_panel[5, 10].tolist() == list(FALSE_NEGATIVE)
    assert predicted_panel[5, 9].tolist() == [0, 158, 115]
    assert true_panel[5, 5].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "name", ["a\nb\r.png", "\x1b[31m.png", b"\xff.png".decode(errors="surrogateescape"), "\u7ec6\u80de"]
)
def test_names_of_any_letters_are_drawn(name):
    ids = np.zeros((20, 20), dtype=np.int64)
    picture = draw_sheet([Shown(np.zeros((20, 20, 1), np.uint8), ids, ids, name)], ["background", name], height=64)
    assert picture.width > 4 * 64


def test_a_sheet_has_one_legend_and_titles_of_any_length():
    ids = np.zeros((20, 20), dtype=np.int64)
    image = np.zeros((20, 20, 1), np.uint8)
    one = draw_sheet([Shown(image, ids, ids, "a")], ["a", "b"], height=64)
    three = draw_sheet([Shown(image, ids, ids, name) for name in ("a", "b" * 500, "c")], ["a", "b"], height=64)
    assert three.width == one.width
    assert three.height < 3 * one.height - 2 * 22


@pytest.mark.parametrize("shape", [(1, 30_000), (30_000, 1)])
def test_a_line_of_pixels_is_no_endless_picture(shape):
    ids = np.zeros(shape, dtype=np.int64)
    picture = case_picture(np.zeros((*shape, 1), np.uint8), ids, ids, ["a", "b"], height=64)
    assert picture.width < 20 * 64
    assert picture.height < 3 * 64
