import pytest
import torch

from unetzoo import FitOptions, OptionError
from unetzoo.data.survey.statistics import Statistics
from unetzoo.inference.files.options import PredictOptions


def _statistics(images, largest):
    return Statistics(
        images=images,
        channels=1,
        smallest=largest,
        largest=largest,
        pixels=images * largest[0] * largest[1],
        value_range=(0.0, 255.0),
        mean=(0.5,),
        std=(0.2,),
        class_names=("a", "b"),
        class_frequencies=(0.5, 0.5),
        mask_coding={},
    )


def test_ten_images_make_epochs_of_fifty_steps():
    plan = FitOptions().plan(_statistics(10, (256, 256)), classes=2)
    assert (plan.steps, plan.epochs, plan.crop) == (1500, 30, 256)
    assert [step for step in range(1, 101) if plan.epochs_in(step) > plan.epochs_in(step - 1)] == [50, 100]


def test_an_epoch_of_ten_thousand_images_shows_their_pixels_once():
    plan = FitOptions(batch=8, epochs=2).plan(_statistics(10_000, (512, 384)), classes=2)
    assert plan.steps == 2 * 10_000 * 2 * 1.5 / 8
    assert FitOptions(batch=8, epochs=2).plan(_statistics(10_000, (90, 70)), classes=2).steps == 2 * 10_000 / 8


def test_crops_of_small_images_are_the_next_multiple_of_32():
    assert FitOptions().plan(_statistics(10, (70, 40)), classes=2).crop == 96


def test_steps_are_shared_among_the_epochs():
    plan = FitOptions(steps=100, epochs=30).plan(_statistics(10, (256, 256)), classes=2)
    ends = [step for step in range(1, 101) if plan.epochs_in(step) > plan.epochs_in(step - 1)]
    assert (plan.steps, plan.epochs, len(ends), ends[-1]) == (100, 30, 30, 100)
    assert {end - begin for begin, end in zip([0, *ends], ends, strict=False)} == {3, 4}
    assert FitOptions(steps=2, epochs=30).plan(_statistics(10, (256, 256)), classes=2).epochs == 2


@pytest.mark.parametrize(("steps", "epochs"), [(20, 1), (200, 4), (1499, 29), (100_000, 30)])
def test_steps_alone_make_epochs_of_at_least_fifty_and_at_most_thirty(steps, epochs):
    plan = FitOptions(steps=steps).plan(_statistics(10, (256, 256)), classes=2)
    assert (plan.steps, plan.epochs) == (steps, epochs)


def test_a_single_logit_is_trained_with_bce():
    assert FitOptions().plan(_statistics(10, (64, 64)), classes=1).loss == "dice + bce"
    assert FitOptions(loss="focal").plan(_statistics(10, (64, 64)), classes=1).loss == "focal"


@pytest.mark.parametrize(
    "option",
    [
        {"epochs": 0},
        {"steps": 0},
        {"steps": 2.5},
        {"batch": 1.5},
        {"crop": 15},
        {"workers": 1.0},
        {"seed": True},
        {"learning_rate": float("nan")},
        {"learning_rate": "fast"},
        {"average": 1.0},
        {"balance": 1.5},
        {"augment": "some"},
        {"schedule": "linear"},
        {"precision": "int8"},
        {"supervision": "deep"},
    ],
    ids=str,
)
def test_a_value_outside_its_range_is_refused_by_name(option):
    with pytest.raises(OptionError, match=next(iter(option))):
        FitOptions(**option)


@pytest.mark.parametrize(("width", "rate"), [(32, 6e-3), (96, 6e-3), (144, 4e-3), (576, 1e-3), (2048, 1e-3)])
def test_narrow_networks_learn_at_up_to_six_times_the_rate_unless_it_is_trained_or_given(width, rate):
    assert FitOptions().rates(is_trained=False, width=width) == pytest.approx((rate, 1))
    assert FitOptions().rates(is_trained=True, width=width) == (1e-3, 0.1)
    given = FitOptions(learning_rate=0.01, encoder_rate=0.5)
    assert [given.rates(is_trained=trained, width=width) for trained in (True, False)] == [(0.01, 0.5)] * 2


@pytest.mark.parametrize("word", ["bf16", "bfloat16", torch.bfloat16])
@pytest.mark.parametrize("options", [FitOptions, PredictOptions])
def test_training_and_prediction_know_the_same_words_for_a_precision(options, word):
    assert options(precision=word).precision == "bfloat16"


def test_a_precision_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(OptionError, match="precision must be one of float32, bfloat16, float16; got 'int8'"):
        FitOptions(precision="int8")
