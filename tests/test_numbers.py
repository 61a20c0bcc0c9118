"""An option takes a number of NumPy, of torch, or of any type that Python takes for an index or a float."""

from fractions import Fraction

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.checks import number, plain, whole
from unetzoo.inference.files.options import PredictOptions

THREE = [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)]
HALF = [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5), Fraction(1, 2)]
each_three = pytest.mark.parametrize("three", THREE, ids=lambda value: type(value).__name__ + str(value))
each_half = pytest.mark.parametrize("half", HALF, ids=lambda value: type(value).__name__ + str(value))


@each_three
def test_whole_numbers_become_pythons_own(three):
    assert (whole(three), type(whole(three))) == (3, int)
    assert number(three) == 3


@each_half
def test_real_numbers_become_pythons_own(half):
    assert (number(half), type(number(half))) == (0.5, float)
    assert whole(half) is None


@pytest.mark.parametrize(
    "value", [True, np.True_, torch.tensor(True), "3", b"3", None, [3], np.array([3]), 1j, np.complex64(1)]
)
def test_what_is_no_number_is_none(value):
    assert whole(value) is None
    assert number(value) is None


def test_arrays_become_lists_also_within_others():
    values = {"a": np.array([1, 2]), "b": (np.float32(0.5), [torch.tensor([True])]), "c": "text"}
    assert plain(values) == {"a": [1, 2], "b": (0.5, [[True]]), "c": "text"}


@each_three
def test_a_network_takes_them_and_is_saved(three, tmp_path):
    model = unetzoo.create(
        "unetpp",
        encoder="plain",
        classes=three,
        in_channels=three,
        head_kernel_size=three,
        aux_classes=three,
        aux_dropout=np.float32(0.5),
        encoder_options={"widths": np.array([4, 8, 16]), "depth": three},
        decoder_options={"deep_supervision": np.bool_(True)},
    )
    config = unetzoo.load(unetzoo.save(model, tmp_path)).config
    assert (config.classes, config.in_channels, config.head_kernel_size, config.aux_classes) == (3, 3, 3, 3)
    assert config.encoder_options == {"widths": [4, 8, 16], "depth": 3}
    assert config == model.config
    assert unetzoo.prune(model, np.int64(1)).config.encoder_options["depth"] == 2
    assert model.encoder.features == unetzoo.FeatureInfo(np.array([4, 8, 16]), (np.int64(1), 2, 4))


def test_classes_of_a_mask_are_counted_by_its_maximum():
    mask = np.array([[0, 1], [2, 1]], dtype=np.uint8)
    config = unetzoo.ModelConfig(decoder="unet", encoder="plain", classes=mask.max() + 1)
    assert config.to_dict()["classes"] == 3


@each_half
def test_options_of_a_training_take_them(half):
    options = unetzoo.FitOptions(elastic=half, learning_rate=half, epochs=np.int16(2), seed=torch.tensor(7))
    assert options == unetzoo.FitOptions(elastic=0.5, learning_rate=0.5, epochs=2, seed=7)
    assert {type(options.elastic), type(options.epochs), type(options.seed)} == {float, int}


def test_what_is_known_of_a_network_may_be_measured_by_numpy_and_torch():
    info = unetzoo.ModelInfo(
        class_names=["cell"],
        mean=np.array([0.5, 0.25], dtype=np.float32),
        std=torch.tensor([0.5, 1]),
        value_range=(np.uint8(0), np.uint8(255)),
        metrics={"mean IoU": torch.tensor(0.75)},
    )
    assert (info.mean, info.std, info.value_range) == ((0.5, 0.25), (0.5, 1.0), (0.0, 255.0))
    assert info.metrics == {"mean IoU": 0.75}


@pytest.mark.parametrize("number_of", [np.int64, torch.tensor, np.array], ids=["numpy", "tensor", "array"])
def test_prediction_and_losses_take_them(number_of):
    model = unetzoo.create("unet", encoder="plain", classes=2, in_channels=1, encoder_options={"depth": 2}).eval()
    image = np.random.default_rng(0).random((200, 130), dtype=np.float32)
    expected = unetzoo.predict(model, image, tile=128, overlap=32, batch=2)
    actual = unetzoo.predict(model, image, tile=number_of(128), overlap=number_of(32), batch=number_of(2))
    np.testing.assert_array_equal(actual, expected)
    tops = [top for top, _ in unetzoo.predict_rows(model, image, tile=128, start=number_of(0))]
    assert tops[0] == 0
    options = PredictOptions(tile=number_of(128), overlap=number_of(32), batch=number_of(2))
    assert options == PredictOptions(tile=128, overlap=32, batch=2)
    loss = unetzoo.create_loss("ce", ignore_index=number_of(1), output_weights=np.array([1, 2]))
    target = torch.tensor([[[0, 1], [0, 1]]])
    logits = torch.zeros(1, 2, 2, 2)
    assert loss(logits, target) == unetzoo.create_loss("ce", ignore_index=1)(logits, target)
    evaluation = unetzoo.evaluate(model, "nuclei", resamples=number_of(10), seed=number_of(1), tolerance=number_of(2))
    assert (evaluation.resamples, evaluation.seed) == (10, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unetzoo.create("unet", encoder="plain", classes=np.float64(2)), "classes must be a whole number"),
        (lambda: unetzoo.create("unet", encoder="plain", classes=np.True_), "classes must be a whole number"),
        (lambda: unetzoo.create("unet", encoder="plain", classes=np.array([2])), "classes must be a whole number"),
        (lambda: unetzoo.FitOptions(epochs="3"), "epochs must be a whole number"),
        (lambda: unetzoo.FitOptions(clip="3"), "clip must be a number"),
        (lambda: unetzoo.FitOptions(clip=np.nan), "clip must be a number"),
        (lambda: unetzoo.create_loss("ce", ignore_index=1.5), "ignore_index must be a whole number"),
    ],
)
def test_what_is_no_such_number_is_refused(call, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        call()
