import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import unetzoo
from unetzoo import OptionError
from unetzoo.inference.choices import read_threshold
from unetzoo.inference.thresholds import class_ids, labels_of, limits_of


def _config(classes, names=()):
    return unetzoo.ModelConfig(
        decoder="unet", encoder="plain", classes=classes, info=unetzoo.ModelInfo(class_names=list(names))
    )


_FOREGROUND = arrays(np.float32, (4, 5), elements=st.floats(0, 1, width=32))


@given(foreground=_FOREGROUND, threshold=st.floats(0, 1, exclude_max=True, width=32))
def test_one_logit_and_two_classes_have_the_foreground_where_its_probability_is_above(foreground, threshold):
    expected = foreground > threshold
    limits = limits_of(threshold, _config(1))
    assert np.array_equal(class_ids(foreground[None], limits), expected)
    assert np.array_equal(class_ids(np.stack([1 - foreground, foreground]), limits), expected)


@given(foreground=_FOREGROUND)
def test_without_a_threshold_the_most_probable_class_wins(foreground):
    probabilities = np.stack([foreground / 2, foreground / 3, 1 - foreground])
    assert np.array_equal(class_ids(probabilities), probabilities.argmax(0))


@pytest.mark.parametrize(
    ("probabilities", "threshold", "expected"),
    [
        ([0.5, 0.3, 0.2], None, 0),
        ([0.5, 0.3, 0.2], 0.25, 1),  # the one foreground class above
        ([0.2, 0.35, 0.45], 0.3, 2),  # both are above: the more probable one
        ([0.2, 0.35, 0.45], {"cell": 0.3}, 1),  # it takes what is above, whatever the others are
        ([0.2, 0.25, 0.55], {"cell": 0.3}, 2),  # the others as without
        ([0.3, 0.4, 0.3], 0.5, 0),  # none is above: the background
        ([0.3, 0.4, 0.3], {"2": 0.1}, 2),  # by its id
    ],
)
def test_thresholds_of_several_classes(probabilities, threshold, expected):
    limits = limits_of(threshold, _config(3, ["none", "cell", "edge"]))
    assert class_ids(np.array(probabilities, np.float32)[:, None, None], limits).tolist() == [[expected]]


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("threshold", [None, 0.3])
def test_where_there_is_no_probability_the_class_is_unknown(classes, threshold):
    probabilities = np.full((classes, 1, 2), 0.2, np.float32)
    probabilities[:, 0, 1] = np.nan
    ids = class_ids(probabilities, limits_of(threshold, _config(classes)), unknown=255)
    assert ids.tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (1.5, "must be a probability in"),
        (float("nan"), "must be a probability in"),
        ("high", "must be a probability in"),
        ({"cel": 0.5}, "there is no class 'cel'; there are none, cell, edge; did you mean 'cell'"),
        ({"none": 0.5, "cell": 0.5, "edge": 0.5}, "one class must have no threshold"),
    ],
)
def test_a_threshold_that_does_not_fit_is_told(threshold, message):
    with pytest.raises(OptionError, match=message):
        limits_of(threshold, _config(3, ["none", "cell", "edge"]))


def test_thresholds_are_read_from_text():
    assert read_threshold("0.3") == 0.3
    assert read_threshold("cell=0.3, a=b=0.6") == {"cell": 0.3, "a=b": 0.6}
    for text in ("", "cell", "cell=", "0.3,0.4", "cell=0.3,0.4", "cell=0.3,cell=0.4"):
        with pytest.raises(OptionError, match="threshold must be a number such as"):
            read_threshold(text)


def _overlapping(names, **info):
    return unetzoo.ModelConfig(
        decoder="unet",
        encoder="plain",
        classes=len(names),
        labels="overlapping",
        info=unetzoo.ModelInfo(class_names=names, **info),
    )


_PLANES = arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32))


@given(planes=_PLANES, limits=st.tuples(*[st.floats(0, 1, exclude_max=True, width=32)] * 3))
def test_each_class_that_may_overlap_is_where_its_probability_is_above(planes, limits):
    config = _overlapping(["a", "b", "c"], thresholds=limits)
    expected = [plane > limit for plane, limit in zip(planes, limits, strict=True)]
    assert np.array_equal(labels_of(planes, config, limits_of(None, config)), expected)


@given(planes=_PLANES)
def test_a_pixel_of_an_inner_class_has_the_outer_ones(planes):
    config = _overlapping(["core", "whole", "middle"], nested=["whole", "middle", "core"])
    core, whole, middle = labels_of(planes, config, limits_of(None, config)).astype(bool)
    assert np.array_equal(whole, planes[1] > 0.5)
    assert np.array_equal(middle, (planes[2] > 0.5) & whole)
    assert np.array_equal(core, (planes[0] > 0.5) & middle)


def test_thresholds_of_classes_that_may_overlap():
    config = _overlapping(["a", "b"], thresholds=[0.2, 0.7])
    assert limits_of(None, config) == (0.2, 0.7)
    assert limits_of(0.3, config) == (0.3, 0.3)
    assert limits_of({"b": 0.4}, config) == (0.2, 0.4)
    assert limits_of(None, _overlapping(["a", "b"])) == (0.5, 0.5)
    assert limits_of(None, _overlapping(["a"])) == (0.5,)


def test_the_stored_threshold_of_a_single_logit_counts_unless_another_is_said():
    config = unetzoo.ModelConfig(decoder="unet", encoder="plain", info=unetzoo.ModelInfo(thresholds=[0.2]))
    assert class_ids(np.full((1, 1, 1), 0.3, np.float32), limits_of(None, config)).tolist() == [[1]]
    assert class_ids(np.full((1, 1, 1), 0.3, np.float32), limits_of(0.4, config)).tolist() == [[0]]


def test_pixels_without_data_are_unknown_in_every_plane():
    config = _overlapping(["a", "b"])
    probabilities = np.full((2, 1, 2), 0.9, np.float32)
    probabilities[:, 0, 1] = np.nan
    assert labels_of(probabilities, config, (0.5, 0.5), unknown=255).tolist() == [[[1, 255]], [[1, 255]]]
