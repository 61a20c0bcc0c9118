"""Images whose pixels have another size than those of the training."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from torch.nn import functional

import unetzoo
from unetzoo import ModelInfo, PredictOptions
from unetzoo.data.formats import Axis, Grid
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.inference.normalize import Normalize
from unetzoo.inference.pixel_size import AS_IT_IS, PixelScale, resampled, scale_of

_CELL, _SMALL, _LARGE = 24, 4, 9  # a disc in each square; radii; in pixels of the training


def _discs(random, count):
    """An image (h, w) of small and large discs, and the mask of the small ones."""
    rows, columns = np.mgrid[: count * _CELL, : count * _CELL]
    image, mask = np.full(rows.shape, 60.0), np.zeros(rows.shape, bool)
    for top in range(0, count * _CELL, _CELL):
        for left in range(0, count * _CELL, _CELL):
            is_small = random.random() < 0.5
            radius = _SMALL if is_small else _LARGE
            disc = (rows - top - _CELL / 2) ** 2 + (columns - left - _CELL / 2) ** 2 < radius**2
            image[disc] = 180
            mask |= disc & is_small
    return image + random.normal(0, 5, image.shape), mask


@pytest.fixture(scope="module")
def model():
    """A network that tells small discs from large ones by their size in pixels, of 0.5 um."""
    torch.manual_seed(0)
    options = {"widths": (6, 8, 12, 12), "norm": "batch"}
    network = unetzoo.create("unet", encoder="plain", encoder_options=options, in_channels=1)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    random = np.random.default_rng(0)
    for _ in range(60):
        image, mask = _discs(random, 4)
        logits = network(torch.tensor(image[None, None] / 255, dtype=torch.float32))[:, 0]
        target = torch.tensor(mask[None], dtype=torch.float32)
        loss = functional.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(4.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    info = ModelInfo(pixel_size=(0.5, 0.5), pixel_size_range=(0.5, 0.5), unit="um", class_names=("small",))
    network.config = replace(network.config, info=info)
    return network.eval()


def _write(folder, step):
    """A folder with an image of discs whose pixels have that side in um, 0.5 or 1, and its mask."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    image, mask = _discs(np.random.default_rng(7), 8)
    if step == 1:  # each pixel is the mean of four
        image, mask = (each.reshape(96, 2, 96, 2).mean((1, 3)) for each in (image, mask))
    resolution = (10_000 / step, 10_000 / step)
    pixels = image.clip(0, 255).astype(np.uint8)
    tifffile.imwrite(folder / "images" / "a.tif", pixels, resolution=resolution, resolutionunit="CENTIMETER")
    tifffile.imwrite(folder / "masks" / "a.tif", (mask > 0.5).astype(np.uint8) * 255)
    return folder


def _iou(model, folder, **options):
    result = unetzoo.evaluate(model, folder, resamples=10, **options)
    return result.classes[1]["IoU"].value


def test_an_image_of_half_the_size_is_segmented_as_well_as_one_of_the_trainings(model, tmp_path):
    trained = _iou(model, _write(tmp_path / "trained", 0.5))
    half = _write(tmp_path / "half", 1)
    with pytest.warns(unetzoo.DataWarning, match=r"a\.tif: its pixels are 1 um, those of the training 0\.5 um: it is"):
        resampled = _iou(model, half)
    with pytest.warns(unetzoo.DataWarning, match="it is predicted as it is"):
        as_it_is = _iou(model, half, resample="never")
    assert trained > 0.9
    assert resampled > 0.8
    assert as_it_is < 0.3


def test_a_file_is_predicted_at_the_size_of_the_training_unless_it_never_is(model, tmp_path):
    folder = _write(tmp_path / "half", 1)
    image, target = folder / "images" / "a.tif", tmp_path / "mask.tif"
    options = {"values": "ids", "tile": 128, "overlap": 32}
    (result,) = unetzoo.predict_files(model, image, target, options=PredictOptions(**options))
    assert result.warnings == (
        "its pixels are 1 um, those of the training 0.5 um: it is predicted at 192 x 192 pixels, and the result "
        "brought back",
    )
    mask = tifffile.imread(target)
    truth = tifffile.imread(folder / "masks" / "a.tif") > 0
    assert (mask.astype(bool) & truth).sum() / (mask.astype(bool) | truth).sum() > 0.7
    with tifffile.TiffFile(target) as file:
        assert file.pages[0].resolution == pytest.approx((10_000, 10_000))
    (result,) = unetzoo.predict_files(model, image, target, options=PredictOptions(**options, resample="never"))
    assert (result.state, result.reason) == ("predicted", "resample is never, was auto")
    assert (tifffile.imread(target) != mask).any()


def test_what_a_clip_cuts_does_not_reach_the_pixels_around_it(model, tmp_path):
    clipped = copy.deepcopy(model)
    normalization = unetzoo.ClipNormalization(low=40, high=200, mean=100, std=80)
    clipped.config = replace(model.config, info=replace(model.config.info, normalization=(normalization,)))
    results = []
    for name, value in (("metal", 3000), ("cut", 200)):
        image, path = np.full((20, 24), 80, np.uint16), tmp_path / f"{name}.tif"
        image[10, 12] = value
        tifffile.imwrite(path, image, resolution=(10_000, 10_000), resolutionunit="CENTIMETER")
        unetzoo.predict_files(clipped, path, tmp_path / f"{name}.npy", options=PredictOptions(probabilities=True))
        results.append(np.load(tmp_path / f"{name}.npy"))
    np.testing.assert_array_equal(*results)


def test_an_ensemble_cuts_what_counts_for_none_of_its_networks():
    clips = [unetzoo.ClipNormalization(low=low, high=high, mean=0, std=1) for low, high in ((0.2, 0.7), (0.1, 0.6))]
    first, second, free = (Normalize(ModelInfo(normalization=(each,))) for each in (*clips, "none"))
    image = np.random.default_rng(0).random((20, 24, 1), np.float32)
    scale, whole = PixelScale((11, 31)), (slice(0, 11), slice(0, 31))
    cut = resampled(scale, image.clip(0.1, 0.7), (free,))[whole]
    np.testing.assert_array_equal(resampled(scale, image, (first, second))[whole], cut)
    uncut = resampled(scale, image, (free,))[whole]
    np.testing.assert_array_equal(resampled(scale, image, (first, free))[whole], uncut)
    assert (uncut != cut).any()


def test_resampled_rows_go_on_where_they_stopped(model, tmp_path):
    image = _write(tmp_path / "half", 1) / "images" / "a.tif"
    predictor = FilePredictor(model, PredictOptions(probabilities=True, tile=128, overlap=32))
    predictor.predict(image, tmp_path / "whole.npy")

    def stop(done, total):
        if 0 < done < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predictor.predict(image, tmp_path / "stopped.npy", on_rows=stop)
    assert (tmp_path / "stopped.npy.partial").exists()
    begun = []
    predictor.predict(image, tmp_path / "stopped.npy", on_rows=lambda done, _: begun.append(done))
    assert 0 < begun[0] < 96
    np.testing.assert_array_equal(np.load(tmp_path / "stopped.npy"), np.load(tmp_path / "whole.npy"))


def _scale(step, unit="um", size=(100, 80), **options):
    grid = Grid(axes=(Axis("y", step, unit), Axis("x", step, unit)))
    info = ModelInfo(pixel_size=(0.5, 0.5), pixel_size_range=(0.5, 0.5), unit="um")
    config = unetzoo.ModelConfig(decoder="unet", encoder="plain", info=info, **options)
    return scale_of(grid, size, config)


@pytest.mark.parametrize("step", [0.46, 0.5, 0.545])
def test_pixels_of_nearly_the_same_size_are_left_as_they_are(step):
    assert _scale(step) == AS_IT_IS


def _scale_of_range(height, width, trained, limits):
    grid = Grid(axes=(Axis("y", height, "um"), Axis("x", width, "um")))
    info = ModelInfo(pixel_size=trained, pixel_size_range=limits, unit="um")
    return scale_of(grid, (100, 80), unetzoo.ModelConfig(decoder="unet", encoder="plain", info=info))


@pytest.mark.parametrize("step", [0.24, 0.25, 0.7, 1.0, 1.05])
def test_pixels_of_a_size_that_the_training_had_are_left_as_they_are(step):
    assert _scale_of_range(step, step, (0.5, 0.5), (0.25, 1.0)) == AS_IT_IS


def test_pixels_beyond_those_of_the_training_or_of_other_proportions_are_not():
    assert _scale_of_range(0.2, 0.2, (0.5, 0.5), (0.25, 1.0)).seen == (40, 32)
    assert _scale_of_range(1.2, 1.2, (0.5, 0.5), (0.25, 1.0)).seen == (240, 192)
    assert _scale_of_range(0.5, 1.0, (0.5, 0.5), (0.25, 1.0)).seen == (100, 160)
    assert _scale_of_range(1.0, 1.0, (0.5, 2.0), (0.5, 2.0)).seen == (200, 40)
    assert _scale_of_range(0.6, 2.4, (0.5, 2.0), (0.5, 2.0)).seen == (120, 96)


def test_units_are_converted_and_unlikely_ones_are_said():
    assert _scale(0.001, "mm").seen == (200, 160)
    assert _scale(0.25).seen == (50, 40)
    assert _scale(1, "degree") == _scale(1, "") == _scale(None) == AS_IT_IS
    assert _scale(0.5, "mm").seen is None
    assert "its pixels are 500 um" in _scale(0.5, "mm").said


def test_a_survey_measures_the_pixels_and_names_the_channels(tmp_path):
    folder = _write(tmp_path / "data", 0.5)
    image, mask = folder / "images" / "a.tif", folder / "masks" / "a.tif"
    for number, step in enumerate((0.5, 2.0)):
        (folder / "masks" / f"{number}.tif").write_bytes(mask.read_bytes())
        tifffile.imwrite(
            folder / "images" / f"{number}.tif",
            tifffile.imread(image),
            imagej=True,
            resolution=(1 / step, 0.5 / step),
            metadata={"unit": "um"},
        )
    splits = unetzoo.survey(folder)
    info = unetzoo.data.survey.statistics.measure(splits.readings, splits.coding).info
    assert info.pixel_size == pytest.approx((1.0, 0.5))  # medians of 0.5, 1, 4 and of 0.5, 0.5, 2
    assert info.pixel_size_range == pytest.approx((0.5, 4.0))
    assert info.unit == "um"
    tifffile.imwrite(image, tifffile.imread(image))
    splits = unetzoo.survey(folder)
    assert unetzoo.data.survey.statistics.measure(splits.readings, splits.coding).info.pixel_size == ()
