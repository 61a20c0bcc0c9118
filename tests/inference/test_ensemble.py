"""Several networks predict together: the mean of their probabilities."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from predicting import SMALL, objects_model
from squares import Squares

import unetzoo
from unetzoo import DataWarning, Ensemble, OptionError


def _network(seed, *, classes=2, **info):
    torch.manual_seed(seed)
    parts = {"encoder_options": {"widths": (4, 8), "norm": "group"}, "decoder_options": {"norm": "group"}}
    model = unetzoo.create("unet", encoder="plain", in_channels=1, classes=classes, **parts).eval()
    model.config = replace(model.config, info=unetzoo.ModelInfo(**info))
    return model


@pytest.fixture
def networks():
    return [
        _network(0, mean=[0.2], std=[0.3], value_range=(0, 255), image_dtypes=["uint8"]),
        _network(1, mean=[0.6], std=[0.1], value_range=(0, 200), image_dtypes=["uint8"]),
        _network(2, mean=[0.4], std=[0.2], value_range=(0, 255), image_dtypes=["uint8"]),
    ]


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 200, (150, 170, 1), dtype=np.uint8)


@pytest.mark.parametrize("options", [{}, {**SMALL, "batch": 2}, {"mirrors": 4}])
def test_probabilities_are_the_mean_of_those_of_each_network_with_its_own_normalization(networks, image, options):
    each = [unetzoo.predict(network, image, **options) for network in networks]
    np.testing.assert_allclose(unetzoo.predict(Ensemble(networks), image, **options), np.mean(each, 0), atol=1e-6)
    assert abs(each[0] - each[1]).max() > 0.01  # or any of them would do


def test_maps_of_objects_are_averaged_before_they_are_decoded():
    image = np.random.default_rng(0).normal(size=(40, 48)).astype(np.float32)
    networks = [objects_model(image) for _ in range(2)]
    with torch.no_grad():
        networks[1].heads[0].bias += 0.1
    mean = np.mean([unetzoo.predict(network, image) for network in networks], 0)
    for network in networks:
        options = {"threshold": float(np.quantile(mean[0], 0.85)), "min_size": 3}
        network.config = replace(network.config, objects_options=options)
    ensemble = Ensemble(networks)
    np.testing.assert_allclose(unetzoo.predict(ensemble, image), mean, atol=1e-6)
    objects = unetzoo.predict_objects(ensemble, image)
    assert objects.max() > 1
    assert not np.array_equal(objects > 0, unetzoo.predict_objects(networks[0], image) > 0)


def test_values_for_no_data_of_any_network_count_for_all(image):
    networks = [_network(0, nodata=[7.0]), _network(1, nodata=[9.0])]
    image = image.astype(np.float32)
    image[3, 4], image[5, 6] = 7, 9
    probabilities = unetzoo.predict(Ensemble(networks), image)
    assert np.isnan(probabilities[0, 3, 4])
    assert np.isnan(probabilities[0, 5, 6])


def test_a_doubt_about_an_image_is_said_once(networks, image):
    with pytest.warns(DataWarning, match="unlike those of the training") as warned:
        unetzoo.predict(Ensemble(networks), image.astype(np.float32) * 1e6)
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (_network(0, classes=3), "need the same number of classes: the first has 2, number 2 has 3"),
        (
            _network(0, class_names=["rest", "cell"]),
            "the same classes: the first has no names, number 2 has rest, cell",
        ),
        (_network(0, channel_names=["red"]), "the same channels: the first has no names, number 2 has red"),
    ],
)
def test_networks_that_differ_in_what_they_predict_are_refused(networks, other, problem):
    with pytest.raises(OptionError, match=problem):
        Ensemble([networks[0], other])


def test_an_ensemble_needs_networks_and_is_neither_saved_nor_optimized(networks, tmp_path):
    with pytest.raises(OptionError, match="at least one network"):
        Ensemble([])
    with pytest.raises(OptionError, match="takes networks of unetzoo, got str"):
        Ensemble(["run"])
    for call in (unetzoo.optimize, lambda ensemble: unetzoo.save(ensemble, tmp_path / "saved")):
        with pytest.raises(OptionError, match=r"an ensemble cannot be .*: take each of its networks"):
            call(Ensemble(networks))
    assert not (tmp_path / "saved").exists()


def test_files_hold_the_classes_of_the_mean_and_are_predicted_again_by_other_networks(networks, image, tmp_path):
    Image.fromarray(image[..., 0]).save(tmp_path / "image.png")

    def predict(model):
        (result,) = unetzoo.predict_files(model, tmp_path / "image.png", tmp_path / "mask.npy")
        return result.state, np.load(tmp_path / "mask.npy")

    state, ids = predict(Ensemble(networks))
    mean = np.mean([unetzoo.predict(network, image) for network in networks], 0)
    np.testing.assert_array_equal(ids, mean.argmax(0))
    assert state == "predicted"
    assert predict(Ensemble(networks))[0] == "kept"
    assert predict(Ensemble(networks[:2]))[0] == "predicted"


def test_an_evaluation_is_that_of_the_mean(networks):
    data = Squares(3, 0)
    ensemble = Ensemble(networks)
    hits = union = 0
    for index in range(3):
        sample = data[index]
        ids = np.mean([unetzoo.predict(network, sample.image) for network in networks], 0).argmax(0)
        hits += (ids & sample.mask).sum()
        union += (ids | sample.mask).sum()
    assert unetzoo.evaluate(ensemble, data).classes[1]["IoU"].value == pytest.approx(hits / union)
