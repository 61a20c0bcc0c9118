from dataclasses import replace

import numpy as np
import pytest
import torch

from unetzoo.data.datasets.picture import load_nuclei
from unetzoo.demo.run import Settings, run_demo
from unetzoo.demo.scores import score
from unetzoo.errors import OptionError, UnknownNameError

_SETTINGS = Settings("mobilenetv3_small_050", steps=2, seed=3)


def _run(settings):
    """What the run gave, and the losses of its steps."""
    losses = []
    result = run_demo(settings, lambda name, loss: losses.append((name, loss)))
    return result, losses


@pytest.fixture(scope="module")
def first():
    return _run(_SETTINGS)


def test_the_same_seed_gives_the_same_numbers_and_leaves_the_random_state_alone(first):
    state = torch.get_rng_state()
    result, losses = _run(_SETTINGS)
    assert torch.equal(torch.get_rng_state(), state)
    assert losses == first[1]
    for again, before in zip(result.outcomes, first[0].outcomes, strict=True):
        assert again.scores == before.scores
        np.testing.assert_array_equal(again.prediction, before.prediction)


def test_another_seed_gives_other_numbers(first):
    _, losses = _run(replace(_SETTINGS, seed=4))
    assert len(losses) == len(first[1])
    assert all(mine != other for mine, other in zip(losses, first[1], strict=True))


def test_each_network_takes_its_steps_in_turn(first):
    assert [name for name, _ in first[1]] == ["unet", "unet", "unetpp", "unetpp"]


def test_every_method_is_judged_on_the_part_held_out(first):
    truth = load_nuclei()[1][:, 352:] > 0
    outcomes = first[0].outcomes
    assert [outcome.method for outcome in outcomes] == ["Otsu's threshold", "unet", "unetpp"]
    for outcome in outcomes:
        assert outcome.prediction.shape == (512, 160)
        assert outcome.scores == score(outcome.prediction, truth)
        assert outcome.seconds > 0


def test_the_baseline_is_far_below_what_the_networks_must_reach(first):
    otsu = first[0].outcomes[0]
    assert 0.75 < otsu.scores.mean_iou < 0.85
    assert otsu.parameters == 1


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_steps_below_one_are_refused(steps):
    with pytest.raises(OptionError, match="steps must be a whole number >= 1"):
        Settings("plain", steps=steps, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_outside_its_range_is_refused(seed):
    with pytest.raises(OptionError, match="seed must be a whole number from 0"):
        Settings("plain", steps=1, seed=seed)


def test_an_unknown_encoder_is_refused_before_the_first_step():
    steps = []
    with pytest.raises(UnknownNameError, match="did you mean 'resnet34'"):
        run_demo(Settings("resnet43", steps=1, seed=0), lambda *step: steps.append(step))
    assert not steps


def test_an_encoder_for_one_image_size_is_refused_before_the_first_step():
    steps = []
    with pytest.raises(OptionError, match="images of any size, which 'volo_d1_224' is not"):
        run_demo(Settings("volo_d1_224", steps=1, seed=0), lambda *step: steps.append(step))
    assert not steps
