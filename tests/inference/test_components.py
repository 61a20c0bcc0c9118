"""Masks are post-processed by their components as a whole, also where they are read in strips."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, gaussian_filter
from skimage.measure import label
from skimage.morphology import remove_small_objects

import unetzoo
from unetzoo.inference.components import postprocess


def _config(**chosen):
    info = unetzoo.ModelInfo(class_names=["rest", "cell", "edge"])
    return unetzoo.ModelConfig(decoder="unet", encoder="plain", classes=3, info=info, postprocessing=chosen)


@pytest.fixture
def ids():
    """Blobs of two classes, some with holes, and pixels without a class."""
    random = np.random.default_rng(0)
    smooth = gaussian_filter(random.normal(size=(90, 70)), 1.5)
    ids = np.digitize(smooth, [-0.05, 0.12]).astype(np.uint8)
    ids[random.random(ids.shape) < 0.01] = 255
    return ids


ROWS = [1, 7, 32, 1000]


@pytest.mark.parametrize("rows", ROWS)
def test_small_components_become_background(ids, rows):
    expected = ids.copy()
    large = remove_small_objects(label(ids == 1, connectivity=2), max_size=11) > 0
    expected[(ids == 1) & ~large] = 0
    postprocess(ids, _config(min_size={"cell": 12}), rows=rows)
    np.testing.assert_array_equal(ids, expected)


@pytest.mark.parametrize("rows", ROWS)
def test_the_largest_component_stays_alone(ids, rows):
    expected = ids.copy()
    components = label(ids == 2, connectivity=2)
    expected[(components > 0) & (components != np.bincount(components.ravel())[1:].argmax() + 1)] = 0
    assert components.max() > 5
    postprocess(ids, _config(largest=["edge"]), rows=rows)
    np.testing.assert_array_equal(ids, expected)


@pytest.mark.parametrize("rows", ROWS)
def test_background_within_a_class_is_filled_and_other_classes_stay(ids, rows):
    expected = np.where(binary_fill_holes(ids == 1) & (ids == 0), 1, ids)
    assert (expected != ids).sum() > 20
    postprocess(ids, _config(fill_holes=["cell"]), rows=rows)
    np.testing.assert_array_equal(ids, expected)


def test_holes_are_filled_before_sizes_are_measured():
    ids = np.zeros((5, 12), np.uint8)
    ids[1:4, 1:4] = ids[1:3, 8:12] = 1
    ids[2, 2] = 0  # a ring of 8 pixels around a hole, beside 8 pixels
    postprocess(ids, _config(fill_holes=["cell"], min_size={"cell": 9}))
    assert ids[2, 2] == 1
    assert ids.sum() == 9


def test_a_mask_without_the_class_and_a_network_without_post_processing_change_nothing(ids):
    before = ids.copy()
    postprocess(ids, _config())
    np.testing.assert_array_equal(ids, before)
    empty = np.zeros((4, 5), np.uint8)
    postprocess(empty, _config(fill_holes=["cell"], largest=["cell"], min_size={"cell": 3}))
    assert not empty.any()


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"temprature": 2}, "unknown kind of post-processing 'temprature'"),
        ({"temperature": 0}, "temperature must be a number from"),
        ({"thresholds": {"cell": 2}}, "the threshold of 'cell'"),
        ({"min_size": {"cell": 0}}, "the smallest size of 'cell'"),
        ({"largest": "cell"}, "largest must be a list of texts"),
    ],
)
def test_invalid_post_processing_is_an_error_of_the_configuration(chosen, problem):
    with pytest.raises(unetzoo.ConfigError, match=problem):
        _config(**chosen)


def test_a_configuration_without_post_processing_is_written_as_before():
    config = _config(min_size={"cell": 3}, temperature=1.5)
    assert "postprocessing" not in replace(config, postprocessing={}).to_dict()
    assert config.to_dict()["postprocessing"] == {"temperature": 1.5, "min_size": {"cell": 3}}
    assert unetzoo.ModelConfig.from_dict(config.to_dict()) == config
