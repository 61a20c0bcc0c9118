"""The Brier score and the calibration error beside those of scikit-learn and torchmetrics, and by hand."""

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from overlaps import Discs
from sklearn.metrics import brier_score_loss
from squares import Squares
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

import unetzoo
from unetzoo import evaluate
from unetzoo.evaluation.bootstrap import Bootstrap
from unetzoo.evaluation.calibration import CalibrationMeasurement

UNKNOWN = 255


def _measured(*pairs):
    measurement = CalibrationMeasurement()
    for probabilities, truth in pairs:
        measurement.add(probabilities, truth)
    return measurement.summed_up(Bootstrap(len(pairs), resamples=50, seed=0))


def _softmax(random, classes, *size):
    values = np.exp(random.normal(0, 2, (classes, *size)))
    return (values / values.sum(0)).astype(np.float32)


def _images(classes, sizes=((7, 9), (600, 500), (1, 1), (20, 3))):
    """Probabilities and class ids of images, some of whose pixels are unknown or without data."""
    random = np.random.default_rng(0)
    for size in sizes:
        probabilities, truth = _softmax(random, classes, *size), random.integers(0, classes, size)
        truth[random.random(size) < 0.2] = UNKNOWN
        probabilities[:, random.random(size) < 0.1] = np.nan
        yield probabilities, truth


def _known(pairs):
    """All known pixels: probabilities (n, classes) and ids (n,)."""
    probabilities, truth = zip(*((maps.reshape(len(maps), -1).T, ids.ravel()) for maps, ids in pairs), strict=True)
    probabilities, truth = np.concatenate(probabilities), np.concatenate(truth)
    counted = (truth != UNKNOWN) & ~np.isnan(probabilities[:, 0])
    return torch.from_numpy(probabilities[counted]), torch.from_numpy(truth[counted])


def test_the_most_probable_class_is_measured_as_by_torchmetrics_and_scikit_learn():
    pairs = list(_images(4))
    probabilities, truth = _known(pairs)
    overall = _measured(*pairs).overall
    assert overall.ece.value == pytest.approx(MulticlassCalibrationError(4)(probabilities, truth).item(), abs=1e-6)
    exact = probabilities.double() / probabilities.double().sum(1, keepdim=True)
    brier = brier_score_loss(truth, exact, labels=range(4), scale_by_half=True)
    assert overall.brier.value == pytest.approx(brier, abs=1e-6)
    assert sum(overall.pixels) == len(truth)


def test_each_class_against_the_rest_is_measured_as_by_torchmetrics_and_scikit_learn():
    pairs = list(_images(3))
    probabilities, truth = _known(pairs)
    for number, each in enumerate(_measured(*pairs).classes):
        column, has_class = probabilities[:, number], (truth == number).long()
        expected = BinaryCalibrationError(15)(column, has_class).item()
        assert each.ece.value == pytest.approx(expected, abs=1e-6)
        assert each.brier.value == pytest.approx(brier_score_loss(has_class, column), abs=1e-6)


def test_a_single_logit_is_measured_as_two_classes():
    both = list(_images(2))
    two, one = _measured(*both), _measured(*((maps[1:], truth) for maps, truth in both))
    assert one.overall.ece.value == pytest.approx(two.overall.ece.value, abs=1e-6)
    assert one.overall.brier.value == pytest.approx(two.overall.brier.value, abs=1e-6)
    assert one.classes[1].frequency == two.classes[1].frequency


def test_classes_that_may_overlap_are_measured_one_by_one():
    random = np.random.default_rng(1)
    maps = random.random((2, 30, 40)).astype(np.float32)
    planes = random.integers(0, 2, maps.shape)
    planes[0, :5] = UNKNOWN  # of one class alone
    result = _measured((maps, planes))
    for each, plane, truth in zip(result.classes, maps, planes, strict=True):
        column, has_class = (torch.from_numpy(values[truth != UNKNOWN]) for values in (plane, truth))
        assert each.ece.value == pytest.approx(BinaryCalibrationError(15)(column, has_class).item(), abs=1e-6)
        assert each.brier.value == pytest.approx(brier_score_loss(has_class, column), abs=1e-6)
    assert result.overall.ece.value == pytest.approx(np.mean([each.ece.value for each in result.classes]))
    assert result.overall.pixels == ()


def test_bins_are_closed_above_and_the_first_one_below_too():
    certain = np.array([[[0.0, 1.0, 1 / 3]]], np.float32)  # of the second class
    (first, second) = _measured((certain, np.array([[0, 1, 1]]))).classes
    assert second.pixels == (1, 0, 0, 0, 1, *[0] * 9, 1)
    assert first.pixels == (1, *[0] * 8, 1, *[0] * 4, 1)
    assert second.frequency[4] == 1
    assert second.confidence[4] == pytest.approx(1 / 3)
    assert second.ece.value == pytest.approx((0 + 0 + 2 / 3) / 3)
    assert second.brier.value == pytest.approx((2 / 3) ** 2 / 3)


def test_images_without_known_pixels_have_no_score():
    result = _measured((_softmax(np.random.default_rng(0), 2, 4, 4), np.full((4, 4), UNKNOWN)))
    assert result.overall.ece.value is None
    assert result.overall.brier.value is None
    assert result.overall.confidence == (None,) * 15


def test_memory_does_not_grow_with_the_image():
    def peak(side):
        maps, truth = np.full((2, side, side), 0.5, np.float32), np.zeros((side, side), np.uint8)
        tracemalloc.start()
        try:
            CalibrationMeasurement().add(maps, truth)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(2048) < 1.1 * peak(1024)


def _constant_model(probability, classes=2):
    """A network that gives the first class this probability at each pixel."""
    model = unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=classes, in_channels=1
    ).eval()
    logit = math.log(probability / (1 - probability))
    with torch.no_grad():
        for head in model.heads:
            head.weight.zero_()
            head.bias.copy_(torch.tensor([logit, 0.0] if classes == 2 else [-logit]))
    return model


RIGHT = 1 - 16 * 16 / (40 * 48)  # share of the first class in each image of `Squares`


@pytest.mark.parametrize("classes", [1, 2])
def test_a_network_that_is_too_sure_has_the_error_by_hand_and_a_temperature_lowers_it(classes):
    model, data = _constant_model(0.99, classes), Squares(5, 0)
    result = evaluate(model, data).calibration.overall
    assert result.ece.value == pytest.approx(0.99 - RIGHT, abs=1e-5)
    assert result.brier.value == pytest.approx(RIGHT * 0.01**2 + (1 - RIGHT) * 0.99**2, abs=1e-5)
    temperature = math.log(0.99 / 0.01) / math.log(RIGHT / (1 - RIGHT))
    model.config = replace(model.config, postprocessing={"temperature": temperature})
    assert evaluate(model, data).calibration.overall.ece.value == pytest.approx(0, abs=1e-5)
    assert evaluate(model, data, raw=True).calibration.overall == result


def test_the_temperature_that_tune_chooses_lowers_the_error():
    model, data = _constant_model(0.99), Squares(5, 0)
    unetzoo.tune_masks(model, data)
    assert evaluate(model, data).calibration.overall.ece.value < 1e-3


def test_planes_of_a_data_set_are_measured_and_have_intervals():
    model = unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, labels="overlapping"
    ).eval()
    data = Discs(5)
    calibration = evaluate(model, data).calibration
    assert len(calibration.classes) == 2
    for number, each in enumerate(calibration.classes):
        columns = [unetzoo.predict(model, image)[number].ravel() for image, _, _ in data]
        truths = [mask[number].ravel() for _, mask, _ in data]
        expected = BinaryCalibrationError(15)(
            torch.from_numpy(np.concatenate(columns)).double(), torch.from_numpy(np.concatenate(truths)).long()
        )
        assert each.ece.value == pytest.approx(expected.item(), abs=1e-5)
        assert each.ece.low < each.ece.value < each.ece.high
