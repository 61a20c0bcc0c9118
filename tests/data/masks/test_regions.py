"""Classes that may overlap in masks of ids: regions of several ids."""

import numpy as np
import pytest

import unetzoo
from unetzoo.data.masks.decode import read_mask
from unetzoo.data.masks.meaning import find_coding
from unetzoo.data.masks.options import MaskOptions, read_classes
from unetzoo.data.masks.stored import store
from unetzoo.data.masks.trained import resolve_coding
from unetzoo.nn.coding import UNKNOWN, MaskCoding

_IDS = np.array([[0, 1, 2, 4], [4, 255, 1, 0]], np.uint8)
_CLASSES = {"whole": [1, 2, 4], "core": [1, 4], "enhancing": 4}


def _coding(mask=_IDS, **options):
    return find_coding([store(mask, "a.png")], MaskOptions(masks="overlapping", **options))


def _expected(ids, regions, unknown):
    """A plane for each region, pixel by pixel."""
    return [
        [[UNKNOWN if number in unknown else int(number in region) for number in row] for row in ids.tolist()]
        for region in regions
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_a_class_is_where_one_of_its_ids_is(dtype):
    mask = _IDS.astype(dtype)
    coding = _coding(mask, classes=_CLASSES)
    assert (coding.class_names, coding.labels) == (("whole", "core", "enhancing"), "overlapping")
    assert read_mask(mask, coding).tolist() == _expected(mask, [{1, 2, 4}, {1, 4}, {4}], {255})


def test_ids_that_are_ignored_are_unknown_in_all_planes_and_a_background_is_no_region():
    classes = {"background": 0, "whole": [1, 2], "core": [1]}
    coding = _coding(classes=classes, ignore=[4])
    assert coding.class_names == ("whole", "core")
    assert read_mask(_IDS, coding).tolist() == _expected(_IDS, [{1, 2}, {1}], {4, 255})
    with pytest.raises(unetzoo.OptionError, match="the id 1 belongs to a region, and is ignored"):
        _coding(classes=classes, ignore=[1])


def test_regions_are_named_on_the_command_line():
    coding = _coding(classes=read_classes("whole=1|2|4,core=1|4,enhancing=4"))
    assert coding == _coding(classes=_CLASSES)


def test_an_id_of_no_region_is_an_error_that_names_it():
    coding = _coding(classes={"whole": [1, 2]})
    with pytest.raises(unetzoo.DataError, match=r"\b4\b"):
        read_mask(_IDS, coding)


def test_a_network_knows_its_regions_by_name_and_in_its_order():
    trained = _coding(classes=_CLASSES)
    assert MaskCoding.from_dict(trained.class_names, trained.to_dict()) == trained
    info = unetzoo.ModelInfo(class_names=trained.class_names, mask_coding=trained.to_dict())
    assert resolve_coding([store(_IDS)], MaskOptions(), info) == trained
    turned = MaskOptions(masks="overlapping", classes=dict(reversed(_CLASSES.items())))
    coding = resolve_coding([store(_IDS)], turned, info)
    assert coding.class_names == trained.class_names
    assert read_mask(_IDS, coding).tolist() == read_mask(_IDS, trained).tolist()


@pytest.mark.parametrize("regions", [[[1]], [[1], []], [[1], [-1]], [[1], ["a"]], [[1], 2], [[1], [True]]])
def test_a_damaged_coding_of_regions_is_an_error(regions):
    coding = _coding(classes={"whole": [1, 2, 4], "core": 1})
    with pytest.raises(unetzoo.ConfigError, match="invalid coding of masks of 2 classes"):
        MaskCoding.from_dict(coding.class_names, {**coding.to_dict(), "regions": regions})


def test_ids_without_regions_are_told_of_them():
    with pytest.raises(unetzoo.DataError, match=r"stored as ids, .* --classes 'whole=1\|2,core=2'"):
        _coding()
