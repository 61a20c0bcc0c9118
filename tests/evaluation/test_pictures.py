from itertools import combinations, pairwise

import numpy as np
import pytest
from drawn_objects import drawn
from label_pairs import random_pair

from unetzoo._utils.colors import (
    CONFUSED,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    FOUND_EDGE,
    HIT,
    MERGED_EDGE,
    NOTHING,
    OBJECT_COLOR,
    SPLIT_EDGE,
    UNKNOWN_COLOR,
    palette,
)
from unetzoo.evaluation.instances import match, match_objects
from unetzoo.evaluation.objects import read_tally, tally
from unetzoo.evaluation.pictures import OUTLINES, class_colors, error_colors, legend, objects_panels, plane_palette
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
    two = {entry.text: entry.color for entry in legend(("background", "cell"), with_unknown=True)}
    assert two["unknown"] == UNKNOWN_COLOR
    assert two["false positive: no cell there"] == FALSE_POSITIVE
    assert two["false negative: cell missed"] == FALSE_NEGATIVE
    three = [entry.text for entry in legend(("background", "cell", "edge"), with_unknown=False)]
    assert "another class" in three
    assert "unknown" not in three


def test_objects_that_touch_have_an_outline_each_and_those_without_a_partner_another_colour():
    numbers = np.zeros((12, 24), np.int64)
    numbers[2:10, 2:10], numbers[2:10, 10:18] = 1, 2  # side by side
    truth = (numbers > 0).astype(np.int64)
    objects = match(np.where(numbers == 1, 1, 0), truth, 1, numbers)
    assert objects.counts.tolist() == [1, 0, 1]
    blank = np.zeros((12, 24, 3), np.uint8)
    true_panel, predicted_panel = objects_panels(blank, blank, [objects])
    assert true_panel[5, 9].tolist() == list(FOUND_EDGE)  # the border between both, each side in its colour
    assert true_panel[5, 10].tolist() == list(FALSE_NEGATIVE)
    assert predicted_panel[5, 9].tolist() == list(FOUND_EDGE)
    assert true_panel[5, 5].tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_outlines_of_split_and_merged_objects_are_as_many_as_loops_count(seed):
    truth, predicted = random_pair(seed)
    true_panel, predicted_panel = objects_panels(*_blank(truth), [match_objects(predicted, truth)])
    split = [number for number in _numbers(truth) if _held(truth == number, predicted) > 1]
    merged = [number for number in _numbers(predicted) if _held(predicted == number, truth) > 1]
    assert [number for number in _numbers(truth) if _line(true_panel, truth == number) == SPLIT_EDGE] == split
    lines = {number: _line(predicted_panel, predicted == number) for number in _numbers(predicted)}
    assert [number for number, line in lines.items() if line == MERGED_EDGE] == merged
    counts = read_tally(tally(predicted, truth))
    assert (counts.split, counts.merged) == (len(split), len(merged))


def test_outlines_tell_found_missed_false_split_and_merged_objects_apart():
    truth = drawn("111.2222.33.44.55..", "111.2222.33.44.55..")
    predicted = drawn("111.2233.44444....6", "111.2233.44444....6")
    true_panel, predicted_panel = objects_panels(*_blank(truth), [match_objects(predicted, truth)])
    of_truth = [_line(true_panel, truth == number) for number in _numbers(truth)]
    of_predicted = [_line(predicted_panel, predicted == number) for number in _numbers(predicted)]
    assert of_truth == [FOUND_EDGE, SPLIT_EDGE, MERGED_EDGE, MERGED_EDGE, FALSE_NEGATIVE]
    assert of_predicted == [FOUND_EDGE, SPLIT_EDGE, SPLIT_EDGE, MERGED_EDGE, FALSE_POSITIVE]
    legend_colors = {entry.color for entry in legend(["a", "b"], with_unknown=False, with_objects=True)}
    assert {*of_truth, *of_predicted} <= legend_colors


def test_an_object_matches_none_of_another_class():
    truth = drawn("111.222")
    pairs = [(np.where(truth == number, truth, 0), np.where(truth == 3 - number, truth, 0)) for number in (1, 2)]
    true_panel, predicted_panel = objects_panels(*_blank(truth), [match_objects(*pair) for pair in pairs])
    assert {_line(true_panel, truth == number) for number in (1, 2)} == {FALSE_NEGATIVE}
    assert {_line(predicted_panel, truth == number) for number in (1, 2)} == {FALSE_POSITIVE}


# Machado et al. 2009 (doi:10.1109/TVCG.2009.113), severity 1, for linear RGB
_VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("vision", _VISION)
def test_color_blind_people_tell_outlines_apart_from_one_another_and_from_the_objects(vision):
    from skimage.color import deltaE_ciede2000, rgb2lab

    colors = np.array([*(entry.color for entry in OUTLINES), NOTHING, OBJECT_COLOR]) / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.transpose(_VISION[vision])).clip(0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    labs = rgb2lab(seen[None])[0]
    assert min(deltaE_ciede2000(one, other) for one, other in combinations(labs, 2)) > 10


@pytest.mark.parametrize("shape", [(40, 40), (2000, 2000)])
def test_outlines_are_as_wide_in_small_images_as_in_large_ones(shape):
    ids = np.zeros(shape, np.int64)
    ids[: shape[0] // 2] = 1
    sheet = draw_sheet([Shown(ids[..., None], ids, ids, objects=(match_objects(ids, ids),))], ["a", "b"], height=200)
    panel = np.asarray(sheet)[22:222, 220:420]
    assert (panel == FOUND_EDGE).all(-1)[:, 100].sum() == 3


def _numbers(ids):
    return np.unique(ids[ids > 0]).tolist()


def _blank(ids):
    return np.zeros((2, *ids.shape, 3), np.uint8)


def _line(panel, mask):
    """The color of the outline of an object."""
    colors = np.unique(panel[mask], axis=0)
    line, *others = (tuple(color) for color in colors.tolist() if any(color))
    assert not others
    return line


def _held(mask, others):
    """How many objects lie in a mask with more than half of their pixels."""
    return sum(2 * (mask & (others == number)).sum() > (others == number).sum() for number in _numbers(others))


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


def test_planes_have_the_mean_color_of_their_classes_and_their_errors_are_told_apart():
    truth = np.array([[[1, 1, 0, 0, 255]], [[0, 1, 0, 1, 255]]])
    first, second = plane_palette(2).astype(int)
    colors = class_colors(truth, 2)[0].tolist()
    assert colors == [first.tolist(), ((first + second) / 2).astype(int).tolist(), list(NOTHING), second.tolist(),
                      list(UNKNOWN_COLOR)]  # fmt: skip
    predicted = np.array([[[1, 1, 1, 1, 0]], [[0, 0, 0, 0, 0]]])
    expected = [HIT, FALSE_NEGATIVE, FALSE_POSITIVE, CONFUSED, UNKNOWN_COLOR]
    assert error_colors(truth, predicted)[0].tolist() == [list(color) for color in expected]
