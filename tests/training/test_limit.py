"""The default length of a training on a CPU, by a clock that each step moves."""

import json
import warnings
from dataclasses import replace
from itertools import count

import pytest
import torch
from squares import Squares

import unetzoo
from unetzoo import FitListener, FitOptions, TrainingWarning, fit
from unetzoo.training.recipe import Recipe

_DATA = {"train": Squares(2, seed=0), "val": Squares(1, seed=1)}
_OPTIONS = FitOptions(batch=2, crop=32)


@pytest.fixture
def slow_steps(monkeypatch):
    """Steps of ten seconds before a training begins."""
    times = count(step=10.0)
    monkeypatch.setattr("unetzoo.training.limit.monotonic", lambda: next(times))


class _StoppedError(Exception):
    """A step of the training is done."""


def _stop(*_):
    raise _StoppedError


def _stopped_fit(folder, options, on_step=_stop, **listener):
    listener = FitListener(on_step=on_step, **listener)
    with pytest.raises(_StoppedError):
        fit(_network(), _DATA, folder, options=options, listener=listener)


def _network():
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=2)


@pytest.mark.usefixtures("slow_steps")
def test_a_training_that_nobody_says_the_length_of_ends_within_the_hour(tmp_path):
    lengths = []
    with pytest.warns(TrainingWarning, match=r"^1,500 steps would take about 4\.\d hours on this CPU"):
        _stopped_fit(tmp_path / "run", _OPTIONS, on_length=lambda *length: lengths.append(length))
    steps, epochs = lengths[0]
    assert 0.95 * 3300 < 10 * steps + 10 / 3 * (40 * 48) / (2 * 32 * 32) * epochs <= 3300
    assert steps // epochs >= 50
    options = Recipe.load(tmp_path / "run").training
    assert (options.steps, options.epochs) == (steps, epochs)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["options"]["steps"] == steps


@pytest.mark.usefixtures("slow_steps")
@pytest.mark.parametrize("length", [{"steps": 2}, {"epochs": 1}, {"minutes": 0.5}], ids=str)
def test_a_length_that_somebody_says_is_kept(tmp_path, length):
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        _stopped_fit(tmp_path / "run", replace(_OPTIONS, **length))


@pytest.mark.usefixtures("slow_steps")
@pytest.mark.filterwarnings("ignore::unetzoo.TrainingWarning")
def test_the_first_step_of_the_training_is_as_if_none_had_been_timed(tmp_path):
    losses = []

    def stop(_step, _steps, loss):
        losses.append(loss)
        raise _StoppedError

    _stopped_fit(tmp_path / "timed", _OPTIONS, stop)
    _stopped_fit(tmp_path / "not", replace(_OPTIONS, steps=400), stop)
    assert losses[0] == losses[1]


def test_a_run_keeps_its_length_when_it_is_resumed_without_one(tmp_path):
    lengths = []

    def stop_in_second_epoch(step, *_):
        if step == 3:
            raise _StoppedError

    _stopped_fit(tmp_path / "run", replace(_OPTIONS, steps=4, epochs=2), stop_in_second_epoch)
    listener = FitListener(on_length=lambda *length: lengths.append(length))
    result = fit(_network(), _DATA, tmp_path / "run", options=_OPTIONS, resume=True, listener=listener)
    assert lengths == [(4, 2)]
    assert [epoch.step for epoch in result.epochs] == [2, 4]
