"""Maps of uncertainty beside the entropies of scipy, and by hand."""

import numpy as np
import pytest
import torch
from predicting import SMALL, varied_model
from scipy.stats import entropy

import unetzoo
from unetzoo import Ensemble, OptionError, predict_uncertainty

IMAGE = np.random.default_rng(0).random((150, 140, 1), dtype=np.float32)


def _sure(probability):
    """A network that gives the first of two classes this probability everywhere."""
    model = varied_model(classes=2)
    with torch.no_grad():
        for head in model.heads:
            head.weight.zero_()
            head.bias.copy_(torch.logit(torch.tensor([probability, 0.5])))
    return model


def test_the_entropy_is_that_of_the_probabilities_over_the_logarithm_of_the_classes():
    model = varied_model(classes=3)
    expected = entropy(unetzoo.predict(model, IMAGE, **SMALL), base=3)
    actual = predict_uncertainty(model, IMAGE, **SMALL)
    assert (actual.shape, actual.dtype) == (IMAGE.shape[:2], np.float32)
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    assert 0 <= actual.min() < actual.max() <= 1


def test_a_single_logit_has_two_classes():
    model = varied_model(classes=1)
    (foreground,) = unetzoo.predict(model, IMAGE)
    expected = entropy(np.stack([1 - foreground, foreground]), base=2)
    np.testing.assert_allclose(predict_uncertainty(model, IMAGE), expected, atol=1e-5)


def test_of_classes_that_may_overlap_it_is_the_mean():
    torch.manual_seed(0)
    parts = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", classes=2, labels="overlapping", **parts).eval()
    each = [entropy(np.stack([1 - plane, plane]), base=2) for plane in unetzoo.predict(model, IMAGE)]
    np.testing.assert_allclose(predict_uncertainty(model, IMAGE), np.mean(each, 0), atol=1e-5)


def test_networks_that_contradict_each_other_disagree_and_alike_ones_do_not():
    alone = entropy([0.9, 0.1], base=2)
    against = predict_uncertainty(Ensemble([_sure(0.9), _sure(0.1)]), IMAGE, kind="disagreement", **SMALL)
    np.testing.assert_allclose(against, 1 - alone, atol=1e-5)
    alike = predict_uncertainty(Ensemble([_sure(0.9), _sure(0.9)]), IMAGE, kind="disagreement")
    np.testing.assert_allclose(alike, 0, atol=1e-6)


def test_the_disagreement_of_mirror_images_is_that_of_their_predictions():
    model, image = varied_model(), IMAGE[:96, :64]
    each = [np.rot90(unetzoo.predict(model, np.rot90(image, n).copy()), -n, (1, 2)) for n in range(4)]
    each += [
        np.rot90(unetzoo.predict(model, np.rot90(image, n)[:, ::-1].copy())[..., ::-1], -n, (1, 2)) for n in range(4)
    ]
    expected = entropy(np.mean(each, 0), base=3) - np.mean([entropy(maps, base=3) for maps in each], 0)
    actual = predict_uncertainty(model, image, kind="disagreement", mirrors=8)
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    assert actual.max() > 1e-3


@pytest.mark.parametrize("kind", ["entropy", "disagreement"])
def test_pixels_without_data_have_none(kind):
    image = IMAGE.copy()
    image[:20] = np.nan
    actual = predict_uncertainty(varied_model(), image, kind=kind, mirrors=4)
    assert np.isnan(actual[:20]).all()
    assert not np.isnan(actual[20:]).any()


@pytest.mark.parametrize(
    ("coding", "channels", "base"),
    [("flows", [2], 2), ("distance", [0], 2), ("components", [0], 2), ("boundary", [0, 1, 2], 3)],
)
@pytest.mark.parametrize("classes", [1, 3])
def test_of_objects_it_is_that_of_the_maps_that_are_probabilities(coding, channels, base, classes):
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1, "object_classes": classes}
    model = unetzoo.create("unet", encoder="plain", objects=coding, **options).eval()
    maps = unetzoo.predict(model, IMAGE)[channels]
    expected = entropy(maps if base == 3 else np.concatenate([maps, 1 - maps]), base=base)
    np.testing.assert_allclose(predict_uncertainty(model, IMAGE), expected, atol=1e-5)
    mean = unetzoo.predict(model, IMAGE, mirrors=4)[channels]
    actual = predict_uncertainty(model, IMAGE, kind="disagreement", mirrors=4)
    of_mean = entropy(mean if base == 3 else np.concatenate([mean, 1 - mean]), base=base)
    assert (actual <= of_mean + 1e-6).all()
    assert actual.max() > 0


def test_what_has_no_uncertainty_is_refused():
    with pytest.raises(OptionError, match="one prediction cannot disagree with itself"):
        predict_uncertainty(varied_model(), IMAGE, kind="disagreement")
    with pytest.raises(OptionError, match="uncertainty must be"):
        predict_uncertainty(varied_model(), IMAGE, kind="variance")
