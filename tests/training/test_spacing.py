"""Trainings at a planned size of pixels."""

import json

import numpy as np
import pytest
import tifffile
import torch
from blobs import Blobs
from stacks import volume, write_cases, write_stack

import unetzoo
from unetzoo.data.formats import limits
from unetzoo.data.sources import cases as case_files
from unetzoo.data.sources.spaced import parts_of
from unetzoo.training import crops
from unetzoo.training.spacing import SpacedSurvey

_STEPS = (4, 0.75, 0.5)


def _network(axes=3):
    torch.manual_seed(0)
    options = {"widths": (4, 8)}
    return unetzoo.create("unet", encoder="plain", spatial_dims=axes, in_channels=1, classes=2, encoder_options=options)


def _options(**values):
    options = {"crop": 16, "batch": 2, "steps": 4, "epochs": 1, "average": 0, "device": "cpu", "workers": 0}
    return unetzoo.FitOptions(**options | values)


@pytest.fixture
def mixed(tmp_path):
    """Cases with voxels of 4 x 0.75 x 0.5 um, and one with twice as many rows and columns."""
    folder = write_cases(tmp_path / "cases", 3, (6, 20, 18))
    for name, array in zip(("images", "masks"), volume(3, (6, 20, 18)), strict=True):
        write_stack(folder / name / "case3.tif", array.repeat(2, 1).repeat(2, 2), (4, 0.375, 0.25))
    return folder


def test_every_sample_of_a_training_has_the_spacing(mixed):
    survey = unetzoo.survey(mixed, spatial_dims=3)
    spaced = SpacedSurvey(survey, (4, 0.75, 1))
    assert spaced.unit == "um"
    for split in ("train", "val"):
        plain, samples = survey.dataset(split), spaced.dataset(split)
        for number, index in enumerate(plain.indices):
            sample = samples[number]
            assert sample.mask.shape == sample.image.shape[:3] == (6, 20, 9)
            assert sample.image.dtype == np.uint16
            values, mask = volume(int(survey.names[index][-5]), (6, 20, 18))
            means = values.reshape(6, 20, 9, 2).mean(-1)
            np.testing.assert_allclose(sample.image[..., 0], means, atol=0.51)
            assert sample.mask.sum() * 2 == pytest.approx(mask.sum(), rel=0.15)
    statistics = spaced.of(survey.statistics)
    assert statistics.smallest == statistics.largest == (6, 20, 9)
    assert statistics.pixels == 6 * 20 * 9 * len(survey.splits["train"])
    assert (statistics.pixel_size, statistics.unit) == ((4, 0.75, 1), "um")
    assert (statistics.mean, statistics.class_frequencies) == (
        survey.statistics.mean,
        survey.statistics.class_frequencies,
    )


def test_samples_within_a_tenth_of_the_spacing_are_left_as_they_are(mixed):
    survey = unetzoo.survey(mixed, spatial_dims=3)
    samples, plain = SpacedSurvey(survey, (4.2, 0.8, 0.52)).dataset("train"), survey.dataset("train")
    kept = [np.array_equal(samples[number].image, plain[number].image) for number in range(len(plain))]
    assert kept == [survey.names[index][-5] != "3" for index in plain.indices]


@pytest.mark.parametrize("decoded", [False, True])
def test_windows_that_are_read_are_parts_of_the_whole(mixed, decoded, monkeypatch):
    monkeypatch.setattr(case_files.CaseSource, "is_windowed", lambda *_: not decoded)
    samples = SpacedSurvey(unetzoo.survey(mixed, spatial_dims=3), (2, 1, 1)).dataset("train")
    window = (slice(3, 8), slice(0, 7), slice(2, 5))
    for number in range(len(samples)):
        parts, sample = parts_of(samples, number), samples[number]
        assert (parts.mask.shape, parts.name) == (sample.mask.shape, sample.name)
        np.testing.assert_array_equal(parts.mask[window], sample.mask[window])
        assert abs(parts.image[window].astype(int) - sample.image[window].astype(int)).max() <= 1


def test_crops_are_the_same_whether_samples_are_kept_or_read_by_windows(mixed, tmp_path, monkeypatch):
    def losses(folder):
        fit = unetzoo.fit(_network(), mixed, folder, options=_options(crop=(8, 16, 16)), spacing=(2, 1, 1))
        return [epoch.loss for epoch in fit.epochs]

    kept = losses(tmp_path / "kept")
    monkeypatch.setattr(crops, "_CACHED_BYTES", 0)
    assert losses(tmp_path / "windows") == pytest.approx(kept, abs=1e-3)


def test_what_a_clip_cuts_does_not_reach_the_voxels_around_it(mixed, tmp_path, monkeypatch):
    """Metal in a CT would brighten what is resampled with it."""
    clip = unetzoo.ClipNormalization(low=0, high=1000, mean=500, std=200)

    def losses(name, **options):
        cases = tmp_path / name / "cases"
        for number, path in enumerate(sorted(mixed.glob("*/*.tif"))):
            array, is_image = tifffile.imread(path), path.parent.name == "images"
            if is_image:
                array[2, 10, 8] = 2500 + 100 * number if name.startswith("metal") else 1000
            write_stack(cases / path.parent.name / path.name, array, (4, 0.375, 0.25) if "3" in path.name else _STEPS)
        fit = unetzoo.fit(_network(), cases, tmp_path / name / "run", spacing=(2, 1, 1), normalization=clip, **options)
        return [epoch.loss for epoch in fit.epochs]

    options = {"options": _options(crop=(8, 16, 16))}
    assert losses("metal", **options) == losses("cut", **options)
    monkeypatch.setattr(crops, "_CACHED_BYTES", 0)
    assert losses("metal by windows", **options) == losses("cut by windows", **options)


def test_a_network_remembers_the_spacing_and_its_recipe_trains_it_again(mixed, tmp_path):
    fit = unetzoo.fit(_network(), mixed, tmp_path / "run", options=_options(crop=(8, 16, 16)), spacing=(2, 1, 1))
    info = unetzoo.load(tmp_path / "run").config.info
    assert (info.pixel_size, info.pixel_size_range, info.unit) == ((2, 1, 1), (1, 2), "um")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["largest"] == [12, 15, 9]
    recipe = unetzoo.Recipe.load(tmp_path / "run")
    assert recipe.data.spacing == (2, 1, 1)
    again = unetzoo.fit_recipe(recipe, tmp_path / "again")
    assert [epoch.loss for epoch in again.epochs] == [epoch.loss for epoch in fit.epochs]
    resumed = unetzoo.fit_recipe(recipe, tmp_path / "again", resume=True)
    assert [epoch.loss for epoch in resumed.epochs] == [epoch.loss for epoch in fit.epochs]
    with pytest.warns(unetzoo.DataWarning, match="its voxels are 4 x 0.75 x 0.5 um, those of the training 2 x 1 x 1"):
        scores = unetzoo.evaluate(fit.model, mixed)
    assert (scores.split, len(scores.cases), scores.unit) == ("val", 1, "um")


@pytest.mark.filterwarnings("ignore:.*most masks have the same ones:unetzoo.DataWarning")
def test_images_are_resampled_with_the_numbers_of_their_objects(tmp_path):
    for number in range(4):
        ids = np.zeros((40, 48), np.uint16)
        for place, (top, left) in enumerate(((4, 4), (4, 20), (24, 4), (24, 28)), 1):
            ids[top : top + 12, left : left + 14] = place
        step = 0.5 if number else 0.25
        image = 50 + 100 * (ids > 0) + np.random.default_rng(number).normal(0, 5, ids.shape)
        for name, array in (("images", image.astype(np.uint8)), ("masks", ids)):
            path = tmp_path / "cells" / name / f"{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            resolution = (10_000 / step, 10_000 / step)
            array = array if number else array.repeat(2, 0).repeat(2, 1)
            tifffile.imwrite(path, array, resolution=resolution, resolutionunit="CENTIMETER")
    survey = unetzoo.survey(tmp_path / "cells", masks="instances")
    samples = SpacedSurvey(survey, (1, 1)).dataset("train")
    for number in range(len(samples)):
        assert samples[number].image.shape == (20, 24, 1)
        numbers = samples.instances(number)
        assert np.bincount(numbers.ravel())[1:].tolist() == [42] * 4
        np.testing.assert_array_equal(numbers > 0, samples[number].mask > 0)
        window, parts = (slice(2, 9), slice(5, 20)), parts_of(samples, number)
        np.testing.assert_array_equal(parts.image[window], samples[number].image[window])
        np.testing.assert_array_equal(parts.mask[window], samples[number].mask[window])
    network = unetzoo.create("unet", encoder="plain", in_channels=1, objects="distance")
    options = _options(crop=16, steps=2)
    fit = unetzoo.fit(network, tmp_path / "cells", tmp_path / "run", masks="instances", spacing=(1, 1), options=options)
    assert fit.model.config.info.pixel_size == (1, 1)


def test_slices_are_resampled_in_their_plane(mixed, tmp_path):
    fit = unetzoo.fit(_network(2), mixed, tmp_path / "run", options=_options(), slices=1, spacing=(1, 1))
    assert fit.model.config.info.pixel_size == (1, 1)
    data = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    assert data["smallest"] == data["largest"] == [15, 9]


@pytest.mark.parametrize(
    ("spacing", "error"),
    [
        ((1, 1), r"spacing must be 3 numbers > 0, along z, y, x; got \(1\.0, 1\.0\)"),
        ((0, 1, 1), r"spacing must be 2 or 3 numbers > 0, along \(z,\) y, x; got \(0, 1, 1\)"),
        ((1,), r"spacing must be 2 or 3 numbers"),
        (1.0, r"spacing must be 2 or 3 numbers > 0, along \(z,\) y, x; got 1\.0"),
        ("1,1,1", "spacing must be 2 or 3 numbers"),
        ((float("nan"), 1, 1), "spacing must be 2 or 3 numbers"),
    ],
)
def test_a_spacing_that_is_none_is_one_error_before_anything_is_read(spacing, error, tmp_path):
    with pytest.raises(unetzoo.OptionError, match=error):
        unetzoo.fit(_network(), tmp_path / "absent", tmp_path / "run", spacing=spacing)


def test_files_that_state_no_spacing_or_another_unit_are_named(mixed, tmp_path, monkeypatch):
    def fails(data, spacing, error):
        with pytest.raises(unetzoo.DataError, match=error):
            unetzoo.fit(_network(), data, tmp_path / "run", options=_options(), spacing=spacing)
        assert not (tmp_path / "run").exists()

    fails({"train": Blobs(2, 0), "val": Blobs(1, 1)}, (1, 1, 1), r"train 0 \(and 2 more\) states no size of its pixels")
    far = r"case\d\.tif has pixels of 4 x 0\.75 x 0\.5 um, far from the spacing, 0\.004 x 0\.0008 x 0\.0005: give spac"
    fails(mixed, (0.004, 0.0008, 0.0005), far)
    monkeypatch.setattr(limits, "_MODEST", 2**10)
    monkeypatch.setattr(limits, "free_memory", lambda: 2**20)
    fails(mixed, (0.5, 0.1, 0.1), r"case\d\.tif, of 48 x 150 x 90 pixels at the spacing, needs .* choose a larger")
    silent = mixed / "images" / "case1.tif"
    tifffile.imwrite(silent, tifffile.imread(silent))
    fails(mixed, (4, 1, 1), r"case1\.tif states no size of its pixels in a unit of length, which spacing needs")


@pytest.mark.filterwarnings("ignore:.*it is predicted at:unetzoo.DataWarning")
def test_folds_are_scored_on_the_voxels_of_the_files(mixed, tmp_path):
    """Crops are cut by another process."""
    options = _options(crop=(8, 16, 16), steps=1, workers=1)
    result = unetzoo.fit_folds(_network(), mixed, tmp_path / "run", folds=2, spacing=(2, 1, 1), options=options)
    assert (len(result.evaluation.cases), result.evaluation.unit) == (4, "um")
    for fold in range(2):
        network = unetzoo.load(tmp_path / "run" / f"fold-{fold}")
        assert network.config.info.pixel_size == (2, 1, 1)
