"""Post-processing is chosen on images with known classes, and applied wherever masks are made."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from predicting import objects_model

import unetzoo
from unetzoo import Dataset, Ensemble, OptionError, PredictOptions, Sample
from unetzoo.inference.components import postprocess
from unetzoo.nn.segmenter import Segmenter


class _Told(Segmenter):
    """A network whose logits are 0 and three times the image."""

    def forward(self, images):
        return torch.cat([torch.zeros_like(images), 3 * images], 1)


class Logits(Dataset):
    """Images (h, w, 1) of logits, and masks."""

    def __init__(self, *samples):
        super().__init__(("rest", "cell"))
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        image, mask = self.samples[index]
        return Sample(image[..., None].astype(np.float32), mask.astype(np.int64), f"image-{index}")


@pytest.fixture
def model():
    parts = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1, "classes": 2}
    model = unetzoo.create("unet", encoder="plain", **parts).eval()
    model.__class__ = _Told
    model.config = replace(model.config, info=unetzoo.ModelInfo(class_names=["rest", "cell"]))
    return model


def _squares(*, speckles=0, holes=False):
    """A square of 20 x 20 pixels, and what the network takes it for: with speckles of 3 x 3 pixels, and with a hole."""
    mask = np.zeros((64, 80), bool)
    mask[10:30, 10:30] = True
    seen = mask.copy()
    for number in range(speckles):
        seen[40:43, 5 + 8 * number : 8 + 8 * number] = True
    if holes:
        seen[18:20, 18:20] = False
    return np.where(seen, 4.0, -4.0), mask


def test_the_temperature_is_that_by_which_logits_are_too_large(model):
    random = np.random.default_rng(0)
    samples = []
    for _ in range(3):
        logits = random.normal(0, 2, (64, 80))
        samples.append((logits, random.random(logits.shape) < 1 / (1 + np.exp(-logits))))
    before = unetzoo.predict(model, samples[0][0].astype(np.float32))
    tuning = unetzoo.tune_masks(model, Logits(*samples))
    assert tuning.postprocessing["temperature"] == pytest.approx(3, rel=0.05)
    after = unetzoo.predict(model, samples[0][0].astype(np.float32))
    np.testing.assert_allclose(after[1], 1 / (1 + np.exp(-samples[0][0])), atol=0.01)
    np.testing.assert_array_equal(before.argmax(0), after.argmax(0))
    truth = np.concatenate([mask.ravel() for _, mask in samples])
    logits = np.concatenate([image.ravel() for image, _ in samples])
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(np.stack([np.zeros_like(logits), 3 * logits], 1)), torch.tensor(truth.astype(np.int64))
    )
    assert tuning.loss_before == pytest.approx(float(expected), rel=1e-3)
    assert tuning.loss_after < tuning.loss_before


def test_speckles_and_holes_are_mended_and_evaluate_counts_so(model):
    data = Logits(_squares(speckles=6), _squares(holes=True), _squares())
    tuning = unetzoo.tune_masks(model, data)
    assert tuning.postprocessing["fill_holes"] == ["cell"]
    assert "largest" in tuning.postprocessing or tuning.postprocessing["min_size"]["cell"] == 10
    assert tuning.mean_before < tuning.mean_after == 1
    assert unetzoo.evaluate(model, data).mean["IoU"].value == 1
    assert unetzoo.evaluate(model, data, raw=True).mean["IoU"].value == pytest.approx(tuning.mean_before)
    assert unetzoo.evaluate(Ensemble([model, model]), data).mean["IoU"].value == 1


def test_nothing_is_chosen_where_nothing_helps(model):
    tuning = unetzoo.tune_masks(model, Logits(_squares(), _squares()))
    assert set(tuning.postprocessing) <= {"temperature"}
    assert tuning.mean_before == tuning.mean_after == 1


def test_a_choice_that_lowers_a_class_is_not_made(model):
    random = np.random.default_rng(1)
    samples = [(random.normal(0, 1, (40, 50)), random.random((40, 50)) < 0.1) for _ in range(2)]
    tuning = unetzoo.tune_masks(model, Logits(*samples))
    assert tuning.mean_after >= tuning.mean_before
    for name, before in tuning.before.items():
        assert tuning.after[name] >= before


def test_files_are_post_processed_as_wholes_and_raw_is_not(model, tmp_path):
    logits, _ = _squares(speckles=6, holes=True)
    np.save(tmp_path / "image.npy", logits[..., None].astype(np.float32))
    chosen = {"fill_holes": ["cell"], "min_size": {"cell": 10}}
    model.config = replace(model.config, postprocessing=chosen)
    model.__class__ = _Told

    def predict(**options):
        options = PredictOptions(**options)
        (result,) = unetzoo.predict_files(model, tmp_path / "image.npy", tmp_path / "mask.npy", options=options)
        assert result.state != "failed", result.reason
        return np.load(tmp_path / "mask.npy"), result.state

    plain = unetzoo.predict(model, logits.astype(np.float32)).argmax(0)
    expected = plain.copy()
    postprocess(expected, model.config)
    assert (expected != plain).sum() > 0
    for options, ids in (({}, expected), ({"raw": True}, plain)):
        result, state = predict(**options)
        np.testing.assert_array_equal(result, ids)
        assert state == "predicted"
        assert predict(**options)[1] == "kept"
    assert not list(tmp_path.glob(".mask*"))


def test_it_is_saved_with_the_network(tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2)
    chosen = {"temperature": 1.5, "thresholds": {"1": 0.3}, "largest": ["1"]}
    model.config = replace(model.config, postprocessing=chosen)
    unetzoo.save(model, tmp_path / "saved")
    assert unetzoo.load(tmp_path / "saved").config.postprocessing == chosen


def test_networks_with_different_post_processing_leave_it_out_with_a_warning(model):
    parts = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1, "classes": 2}
    other = unetzoo.create("unet", encoder="plain", **parts).eval()
    other.config = replace(model.config, postprocessing={"min_size": {"cell": 3}})
    with pytest.warns(unetzoo.WeightsWarning, match="different post-processing of masks, which is left out"):
        assert Ensemble([model, other]).config.postprocessing == {}


def test_networks_of_objects_and_ensembles_are_refused(model):
    with pytest.raises(OptionError, match=r"take|an ensemble has no post-processing of its own"):
        unetzoo.tune_masks(Ensemble([model]), Logits(_squares()))
    of_objects = objects_model(np.zeros((40, 48), np.float32))
    with pytest.raises(OptionError, match=r"the network has objects, whose decoder unetzoo\.tune tunes"):
        unetzoo.tune_masks(of_objects, Logits(_squares()))
