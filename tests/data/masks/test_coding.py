import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unetzoo
from unetzoo.data.masks.decode import read_mask
from unetzoo.data.masks.forms import Marks
from unetzoo.data.masks.meaning import find_coding
from unetzoo.data.masks.options import MaskOptions, read_classes
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.masks.stored import store
from unetzoo.nn.coding import UNKNOWN


def _decode(*raws, **options):
    """The names of the classes, and the ids of each mask."""
    masks = [raw if isinstance(raw, RawMask) else np.asarray(raw) for raw in raws]
    coding = find_coding([store(mask, f"{number}.png") for number, mask in enumerate(masks)], MaskOptions(**options))
    return coding.class_names, [read_mask(mask, coding).tolist() for mask in masks]


def _picture(*rows):
    return np.array(rows, dtype=np.uint8)


def test_ids_are_classes_and_255_is_unknown():
    assert _decode([[0, 2], [255, 1]]) == (("class 0", "class 1", "class 2"), [[[0, 2], [UNKNOWN, 1]]])


def test_0_and_255_are_background_and_foreground_over_all_masks():
    assert _decode([[0, 0]], [[255, 0]]) == (("background", "foreground"), [[[0, 0]], [[1, 0]]])


def test_0_1_and_255_are_two_classes_and_unknown():
    assert _decode([[0, 1, 255]]) == (("background", "foreground"), [[[0, 1, UNKNOWN]]])


def test_masks_of_true_and_false_or_of_whole_floats_are_ids():
    assert _decode([[True, False]])[1] == [[[1, 0]]]
    assert _decode([[1.0, 0.0]])[1] == [[[1, 0]]]


def test_fractions_are_refused():
    with pytest.raises(unetzoo.DataError, match="a mask must hold whole numbers, but holds fractions"):
        _decode([[0.5]])


def test_named_values_become_ids_in_their_order():
    names, ids = _decode([[0, 128, 255, 64]], classes={"sky": 128, "cell": 0, "border": 255, "rest": 64})
    assert (names, ids) == (("sky", "cell", "border", "rest"), [[[1, 0, 2, 3]]])


def test_names_alone_are_of_the_ids_from_0_on():
    assert _decode([[0, 1]], classes=["a", "b", "c"]) == (("a", "b", "c"), [[[0, 1]]])


def test_a_single_name_is_that_of_the_foreground():
    assert _decode([[0, 255]], classes=["cell"]) == (("background", "cell"), [[[0, 1]]])


def test_instances_become_one_class():
    assert _decode([[0, 7, 900]], masks="instances") == (("background", "foreground"), [[[0, 1, 1]]])


def test_many_values_need_to_be_explained():
    with pytest.raises(unetzoo.DataError, match=r"125 values from 0 to 124 are; name them.*masks='instances'"):
        _decode(np.arange(125)[None])


def test_colors_are_classes_in_the_order_of_their_numbers():
    mask = _picture([[255, 0, 0], [0, 0, 0]], [[0, 255, 0], [255, 0, 0]])
    assert _decode(mask) == (("#000000", "#ff0000", "#00ff00"), [[[1, 0], [2, 1]]])


def test_named_colors_are_a_palette_and_white_is_unknown_unless_named():
    mask = _picture([[255, 0, 0], [0, 0, 0], [255, 255, 255]])
    palette = {"cell": "#FF0000", "rest": "#000000"}
    assert _decode(mask, classes=palette)[1] == [[[0, 1, UNKNOWN]]]
    assert _decode(mask, classes={**palette, "white": "#ffffff"})[1] == [[[0, 1, 2]]]


def test_greys_in_three_channels_are_ids():
    mask = _picture([[0, 0, 0], [255, 255, 255]])
    assert _decode(mask) == (("background", "foreground"), [[[0, 1]]])
    assert _decode(_picture([[2, 2, 2], [0, 0, 0]]))[1] == [[[2, 0]]]


@pytest.mark.parametrize("classes", [None, {"rest": "#000000", "cell": "#ff0000"}], ids=["found", "named"])
def test_a_blank_picture_is_of_the_kind_of_the_others(classes):
    blank = np.zeros((1, 2, 3), dtype=np.uint8)
    red = _picture([[0, 0, 0], [255, 0, 0]])
    assert _decode(blank, red, classes=classes)[1] == [[[0, 0]], [[0, 1]]]
    plane = np.array([[[0, 0, 1], [0, 1, 0]]], dtype=np.uint8)
    assert _decode(blank, plane)[1] == [[[0, 0]], [[3, 2]]]
    assert _decode(blank)[1] == [[[0, 0]]]


def test_planes_are_classes_after_a_background_where_some_pixel_is_in_none():
    planes = np.zeros((1, 3, 2), dtype=np.uint8)
    planes[0, 1, 0] = planes[0, 2, 1] = 1
    assert _decode(planes) == (("class 0", "class 1", "class 2"), [[[0, 1, 2]]])
    planes[0, 0, 1] = 1
    assert _decode(planes) == (("background", "foreground"), [[[1, 0, 1]]])


def test_planes_that_overlap_are_refused_if_classes_are_exclusive():
    with pytest.raises(unetzoo.DataError, match="planes of the mask overlap"):
        _decode(np.ones((1, 2, 4), dtype=np.uint8), masks="exclusive")


def test_a_value_of_no_class_is_named_with_the_classes():
    with pytest.raises(unetzoo.DataError, match="the mask holds 3, 9, which is not a class; the classes are 0, 1, 2"):
        _decode([[0, 3, 9]], classes=["a", "b", "c"])


def test_the_colors_of_a_jpeg_are_said_to_be_blurred():
    random = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    with pytest.raises(unetzoo.DataError, match=r"JPEG blurs masks.*--nearest-color"):
        _decode(RawMask(random, Marks(is_lossy=True)), classes={"a": "#000000", "b": "#ffffff"})


def test_masks_of_different_kinds_are_refused():
    with pytest.raises(unetzoo.DataError, match="stored in one way, but these are colors and ids"):
        _decode([[0, 1]], _picture([[255, 0, 0]]))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"a": 0, "b": 0}, "each class needs its own value"),
        ({"a": 0, "b": "#ff0000"}, "all ids or all colors"),
        ({"a": "#000000", "b": "#ff0000"}, "the classes have colors, but the masks are ids"),
        ({"a": "red", "b": "blue"}, "an id or a color such as #ff0000, got 'red'"),
        ({"a": -1, "b": 0}, "got -1"),
    ],
)
def test_classes_that_do_not_fit_are_refused(classes, message):
    with pytest.raises(unetzoo.UnetzooError, match=message):
        _decode([[0, 1]], classes=classes)


@given(codes=st.lists(st.integers(0, 2**24 - 1), min_size=1, max_size=20, unique=True), data=st.data())
def test_every_palette_is_undone(codes, data):
    ids = np.array([data.draw(st.lists(st.integers(0, len(codes) - 1), min_size=1, max_size=30))])
    names = {f"c{index}": f"#{code:06x}" for index, code in enumerate(codes)}
    colors = np.array([[code >> 16, code >> 8 & 255, code & 255] for code in codes], np.uint8)
    np.testing.assert_array_equal(_decode(colors[ids], classes=names)[1][0], ids)


@pytest.mark.parametrize(
    ("text", "expected_classes"),
    [
        ("sky, cell", ["sky", "cell"]),
        ("sky=0,cell=255", {"sky": 0, "cell": 255}),
        ("a=#000000,b=#ff0000", {"a": "#000000", "b": "#ff0000"}),
    ],
)
def test_classes_on_the_command_line(text, expected_classes):
    assert read_classes(text) == expected_classes


@pytest.mark.parametrize("text", ["", "a,,b", "a,a", "a=0,b"])
def test_unreadable_classes_are_refused(text):
    with pytest.raises(unetzoo.OptionError, match="got "):
        read_classes(text)


def test_three_planes_of_0_and_255_are_in_the_order_of_the_planes():
    planes = _picture(*(255 * np.eye(3, dtype=np.uint8)[[[0, 2, 1, 1]]]))
    assert _decode(planes, classes=["sky", "road", "car"]) == (("sky", "road", "car"), [[[0, 2, 1, 1]]])


def test_grey_pictures_are_ids_whatever_of_them_a_mask_holds():
    greys = [np.repeat(_picture(row)[..., None], 3, 2) for row in ([0, 1, 0], [0, 0, 0], [2, 1, 0], [255, 0, 1])]
    assert _decode(*greys)[1] == [[[0, 1, 0]], [[0, 0, 0]], [[2, 1, 0]], [[UNKNOWN, 0, 1]]]
    assert _decode(*greys[:2])[1] == [[[0, 1, 0]], [[0, 0, 0]]]


def test_minus_1_is_unknown():
    assert _decode(np.array([[0, 1, -1]]))[1] == [[[0, 1, UNKNOWN]]]
    assert _decode(np.array([[0, 255, -1]]))[1] == [[[0, 1, UNKNOWN]]]
    assert _decode(np.array([[0, 2, -1]]), classes={"a": 2, "b": 0})[1] == [[[1, 0, UNKNOWN]]]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_what_is_no_class_id_is_told_as_such(value):
    masks = np.array([[0, 1, value]], dtype=np.float32)
    with pytest.raises(unetzoo.DataError, match=r"NaN, infinity or numbers that are too large.*--ignore nan"):
        _decode(masks)
    assert _decode(masks, ignore="nan")[1] == [[[0, 1, UNKNOWN]]]
