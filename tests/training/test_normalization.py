"""Trainings whose images are normalized each by its own values, or by a clip."""

import json

import numpy as np
import pytest
import stacks
import tifffile
import torch
from squares import Squares

import unetzoo
from unetzoo import Dataset, FitOptions, Sample, fit
from unetzoo.data.open import survey
from unetzoo.data.sources import cuts
from unetzoo.data.sources.spaced import moments_at
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.spacing import SpacedSurvey

CLIP = unetzoo.ClipNormalization(low=60, high=180, mean=100, std=40)
SHORT = FitOptions(steps=4, epochs=2, batch=2, crop=32, average=0, workers=0, device="cpu")


class Ramps(Dataset):
    """Two images, or volumes, whose pixels have values of their own, in different ranges."""

    def __init__(self, shape):
        super().__init__(("rest", "cell"))
        self.shape = shape

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index > 1:
            raise IndexError(index)
        values = np.arange(np.prod(self.shape), dtype=np.float32).reshape(*self.shape, 1)
        return Sample(values * (1 + 9 * index), np.zeros(self.shape, np.uint8), str(index))


class Dim(Squares):
    """Squares whose brightness differs from image to image."""

    def __getitem__(self, index):
        image, mask, name = super().__getitem__(index)
        return Sample((image * (1 + 40.0 * index)).astype(np.float32), mask, name)


def _crops(samples, crop, *normalization, count=20):
    info = unetzoo.ModelInfo(normalization=normalization)
    options = {"augmentation": Augmentation("none", crop=crop, elastic=0.0), "seed": 0, "count": count, "balance": 0.0}
    return CropDataset(samples, info, crop=crop, **options)


@pytest.mark.parametrize(("shape", "crop"), [((40, 50), 12), ((10, 20, 24), (4, 8, 8))])
def test_a_crop_has_the_z_score_of_its_whole_image(shape, crop):
    values = np.arange(np.prod(shape), dtype=np.float64)
    for each in (_crops(Ramps(shape), crop, "z-score")[index] for index in range(20)):
        found = each.image.numpy().astype(np.float64) * values.std() + values.mean()  # the same in both images
        steps = np.diff(found, axis=-1)
        np.testing.assert_allclose(steps, 1, atol=1e-2)
        np.testing.assert_allclose(found, found.round(), atol=1e-2)
        assert 0 <= found.min() < found.max() < values.size


def test_a_crop_is_cut_to_the_limits():
    crop = _crops(Ramps((40, 50)), 12, CLIP)[0].image
    assert crop.min() >= (60 - 100) / 40
    assert crop.max() == (180 - 100) / 40


def test_crops_of_slices_and_of_blocks_have_the_z_score_of_their_volume_and_their_image(tmp_path, monkeypatch):
    volume, _ = stacks.volume()
    stacks.write_cases(tmp_path / "cases", 1)
    slices = survey(tmp_path / "cases", slices=3)
    assert len(slices.source.entries) == len(volume)
    monkeypatch.setattr(cuts, "_LARGE_FILE", 0)
    monkeypatch.setattr(cuts, "WHOLE_BYTES", 1)
    image = np.random.default_rng(0).integers(0, 4000, (600, 600)).astype(np.uint16)
    image[300:] //= 7
    for name, pixels in (("images", image), ("masks", (image > 2000).astype(np.uint8))):
        (tmp_path / "scenes" / name).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "scenes" / name / "a.tif", pixels, tile=(64, 64))
    blocks = survey(tmp_path / "scenes", split_by="blocks")
    assert len(blocks.source.blocks) == 4
    for data, values in ((slices, volume), (blocks, image)):
        crops = _crops(data.dataset("all"), 16, "z-score")
        for crop in (crops[index].image.numpy().astype(np.float64) for index in range(8)):
            found = crop * values.std() + values.mean()
            np.testing.assert_allclose(found, found.round(), atol=2e-3)
            assert {*found.round().ravel()} <= {*values.ravel().astype(float)}


@pytest.mark.parametrize("normalization", ["z-score", CLIP], ids=str)
def test_a_network_remembers_its_normalization_and_is_validated_with_it(normalization, make_model, squares, tmp_path):
    data = {name: Dim(len(each), each.seed) for name, each in squares.items()}
    result = fit(make_model(), data, tmp_path / "run", options=SHORT, normalization=normalization)
    loaded = unetzoo.load(tmp_path / "run")
    assert loaded.config.info.normalization == (normalization,)
    assert loaded.config.info.mean  # of the images as they are, by which they are known again
    assert unetzoo.Recipe.load(tmp_path / "run").data.normalization == (normalization,)
    scores = unetzoo.evaluate(loaded, data["val"]).mean
    assert scores["IoU"].value == pytest.approx(result.best.mean_iou, abs=1e-6)
    assert (
        'normalization = ["z-score"]' in (tmp_path / "run" / "best" / "README.md").read_text() or normalization is CLIP
    )
    image = data["val"][1].image
    low, high, mean, std = (60, 180, 100, 40) if normalization is CLIP else (-np.inf, np.inf, image.mean(), image.std())
    seen = torch.from_numpy((image.clip(low, high) - mean) / std).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        expected = loaded(seen).softmax(1)[0]
    np.testing.assert_allclose(unetzoo.predict(loaded, image), expected, atol=1e-5)


def test_slices_are_validated_with_the_z_score_of_their_volume(make_model, tmp_path):
    cases = stacks.write_cases(tmp_path / "cases", 3)
    result = fit(make_model(), cases, tmp_path / "run", options=SHORT, slices=1, normalization="z-score")
    scores = unetzoo.evaluate(result.model, cases)
    assert (scores.split, len(scores.cases)) == ("val", 1)
    assert scores.mean["IoU"].value == pytest.approx(result.best.mean_iou, abs=1e-6)


def test_a_run_is_resumed_with_its_normalization_and_with_no_other(make_model, squares, tmp_path):
    half = FitOptions(**vars(SHORT) | {"steps": 2, "epochs": 1})
    fit(make_model(), squares, tmp_path / "run", options=half, normalization="z-score")
    with pytest.raises(unetzoo.TrainingError, match=r"normalization was \['z-score'\], is \['none'\]"):
        fit(make_model(), squares, tmp_path / "run", options=SHORT, normalization="none", resume=True)
    again = fit(make_model(), squares, tmp_path / "run", options=SHORT, resume=True)
    assert again.model.config.info.normalization == ("z-score",)


def test_a_run_without_a_normalization_gets_none_by_resuming(make_model, squares, tmp_path):
    fit(make_model(), squares, tmp_path / "run", options=SHORT)
    assert "start" not in json.loads((tmp_path / "run" / "run.json").read_text())
    with pytest.raises(unetzoo.TrainingError, match=r"normalization was \[\], is \['z-score'\]"):
        fit(make_model(), squares, tmp_path / "run", options=SHORT, normalization="z-score", resume=True)


def test_one_normalization_for_each_channel_or_for_all(make_model, squares, tmp_path):
    with pytest.raises(unetzoo.OptionError, match="the images have 1 channel; normalization must be one for all"):
        fit(make_model(), squares, tmp_path / "run", options=SHORT, normalization=["z-score", "none"])
    assert not (tmp_path / "run" / "run.json").exists()


def test_resampled_samples_have_the_z_score_that_predict_gives_images_as_they_are(make_model, tmp_path):
    cases = stacks.write_cases(tmp_path / "cases", 3)
    samples = SpacedSurvey(survey(cases, spatial_dims=3), (4.0, 1.5, 1.5)).dataset("train")
    assert samples[0].image.shape[:3] == (6, 20, 12)
    for number in range(2):
        values = tifffile.imread(cases / samples[number].name).astype(float)
        moments = moments_at(samples, number, ())
        np.testing.assert_allclose([moments.mean[0], moments.std[0]], [values.mean(), values.std()])
    info = unetzoo.ModelInfo(normalization=["z-score"])
    options = {"augmentation": Augmentation("none", crop=(6, 20, 12), elastic=0.0), "seed": 0, "balance": 0.0}
    crop = CropDataset(samples, info, count=1, crop=(6, 20, 12), **options)[0]
    number = [samples[index].name for index in range(2)].index(crop.name)
    values = tifffile.imread(cases / crop.name).astype(float)
    expected = (samples[number].image[..., 0] - values.mean()) / values.std()
    np.testing.assert_allclose(crop.image[0], expected, atol=1e-4)
