"""Masks of planes whose classes may overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import unetzoo
from unetzoo.data.masks.decode import read_mask
from unetzoo.data.masks.meaning import find_coding
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.stored import store
from unetzoo.data.masks.trained import resolve_coding
from unetzoo.nn.coding import MaskCoding


def _decode(*masks, **options):
    """The names of the classes, and the planes of each mask."""
    coding = find_coding([store(mask, f"{number}.tif") for number, mask in enumerate(masks)], MaskOptions(**options))
    return coding.class_names, [read_mask(mask, coding).tolist() for mask in masks]


def _planes(*planes, dtype=np.uint8):
    """Planes as a file has them, (h, w, planes)."""
    return np.moveaxis(np.array(planes, dtype), 0, -1)


_ANY = st.integers(2, 31).flatmap(lambda count: arrays(np.uint8, (3, 4, count), elements=st.integers(0, 1)))


@given(planes=_ANY)
def test_planes_that_may_overlap_are_read_as_they_are(planes):
    assert _decode(planes, masks="overlapping")[1] == [np.moveaxis(planes, -1, 0).tolist()]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int64, np.float32])
def test_planes_that_overlap_make_classes_overlap(dtype):
    mask = _planes([[1, 1, 0]], [[0, 1, 0]], dtype=dtype)
    assert _decode(mask) == (("class 1", "class 2"), [[[[1, 1, 0]], [[0, 1, 0]]]])


def test_planes_that_never_overlap_are_exclusive_unless_the_user_says_otherwise():
    mask = _planes([[1, 0, 0]], [[0, 1, 0]])
    assert _decode(mask)[1] == [[[1, 2, 0]]]
    assert _decode(mask, masks="overlapping")[1] == [[[[1, 0, 0]], [[0, 1, 0]]]]


@pytest.mark.parametrize("brightest", [255, 65535])
def test_0_and_full_brightness_are_absent_and_present(brightest):
    mask = _planes([[brightest, brightest, 0]], [[0, brightest, 0]], dtype=np.uint16)
    assert _decode(mask)[1] == [[[[1, 1, 0]], [[0, 1, 0]]]]


def test_colors_are_planes_if_the_user_says_so():
    yellow = np.array([[[255, 255, 0], [255, 0, 0], [0, 0, 0]]], np.uint8)
    assert _decode(yellow, masks="overlapping")[1] == [[[[1, 1, 0]], [[1, 0, 0]], [[0, 0, 0]]]]


def test_255_beside_1_is_unknown_in_its_own_plane_over_all_masks():
    first, second = _planes([[1, 255]], [[1, 1]]), _planes([[0, 255]], [[255, 0]])
    assert _decode(first, second)[1] == [[[[1, 255]], [[1, 1]]], [[[0, 255]], [[255, 0]]]]


def test_255_that_is_ignored_is_unknown():
    mask = _planes([[255, 0]], [[0, 255]])
    assert _decode(mask, masks="overlapping", ignore=255)[1] == [[[[255, 0]], [[0, 255]]]]


@pytest.mark.parametrize("mask", [[[0, 1]], [[0, 255]], [[False, True]]])
def test_a_single_plane_is_one_class(mask):
    assert _decode(np.array(mask), masks="overlapping") == (("foreground",), [[[[0, 1]]]])
    assert _decode(np.array(mask), masks="overlapping", classes=["cell"])[0] == ("cell",)


def test_ids_of_several_classes_are_not_planes():
    with pytest.raises(unetzoo.DataError, match="stored as ids, and cannot be read as planes that may overlap"):
        _decode(np.array([[0, 1, 2]]), masks="overlapping")


def test_names_are_those_of_the_planes_without_a_background():
    mask = _planes([[1, 1]], [[1, 0]])
    assert _decode(mask, classes=["background", "cell", "nucleus"])[0] == ("cell", "nucleus")
    named = _decode(mask, classes={"background": 0, "nucleus": 2, "cell": 1})
    assert named == (("nucleus", "cell"), [[[[1, 0]], [[1, 1]]]])
    assert _decode(mask, classes={"nucleus": 2}) == (("nucleus",), [[[[1, 0]]]])


@pytest.mark.parametrize(
    "classes", [["a"], ["a", "b", "c"], {"a": 3}, {"a": 1, "b": 1}, {"a": [1, 2]}, {"background": 0}]
)
def test_other_names_than_those_of_planes_are_refused(classes):
    with pytest.raises((unetzoo.DataError, unetzoo.OptionError), match=r"planes|plane of its own"):
        _decode(_planes([[1, 1]], [[1, 0]]), masks="overlapping", classes=classes)


@pytest.mark.parametrize("options", [{"ignore": 0}, {"nearest_color": True}])
def test_options_of_values_are_refused_for_planes(options):
    with pytest.raises(unetzoo.OptionError, match="planes of classes that overlap hold 0, 1 and perhaps 255"):
        _decode(_planes([[1, 1]], [[1, 0]]), masks="overlapping", **options)


def test_a_threshold_is_refused_for_planes():
    with pytest.raises(unetzoo.OptionError, match="without masks='overlapping'"):
        MaskOptions(masks="overlapping", threshold=0.5)


def test_masks_of_different_numbers_of_planes_are_refused():
    two, three = np.ones((1, 2, 2), np.uint8), np.ones((1, 2, 3), np.uint8)
    with pytest.raises(
        unetzoo.DataError, match="as many planes each, but these have 2 and 3; if they are volumes, say slices=1"
    ):
        _decode(two, three, masks="overlapping")


def test_more_than_31_planes_cannot_overlap():
    with pytest.raises(unetzoo.DataError, match="cannot be read as planes that may overlap"):
        _decode(np.ones((1, 1, 32), np.uint8), masks="overlapping")


def _trained(coding):
    return unetzoo.ModelInfo(class_names=coding.class_names, mask_coding=coding.to_dict())


def test_masks_mean_what_they_meant_in_the_training_of_a_network():
    trained = find_coding([store(_planes([[1, 1]], [[1, 0]]))], MaskOptions(classes=["cell", "nucleus"]))
    apart = _planes([[1, 0]], [[0, 1]])
    coding = resolve_coding([store(apart)], MaskOptions(), _trained(trained))
    assert coding == trained
    assert read_mask(apart, coding).tolist() == [[[1, 0]], [[0, 1]]]
    with pytest.raises(unetzoo.DataError, match="have 3 planes, those of the training had 2"):
        resolve_coding([store(np.ones((1, 2, 3), np.uint8))], MaskOptions(), _trained(trained))


def test_255_of_other_masks_is_asked_for_if_it_was_unknown_in_the_training():
    trained = find_coding([store(_planes([[1, 255]], [[1, 0]]))], MaskOptions())
    other = store(_planes([[255, 0]], [[255, 255]]))
    with pytest.raises(unetzoo.DataError, match="hold 0 and 255, which was unknown in the training"):
        resolve_coding([other], MaskOptions(), _trained(trained))
    assert resolve_coding([other], MaskOptions(ignore=255), _trained(trained)).unknown == (255,)


def test_a_coding_of_planes_survives_json():
    coding = find_coding([store(_planes([[1, 255]], [[1, 0]]))], MaskOptions())
    assert MaskCoding.from_dict(coding.class_names, coding.to_dict()) == coding
