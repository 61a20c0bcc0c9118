"""The default length of a training on a CPU: no more steps than fit into an hour."""

import copy
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from math import prod
from time import monotonic
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from unetzoo._utils.texts import duration
from unetzoo.errors import TrainingWarning
from unetzoo.features import along_axes
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.budget import Pace, fit_plan
from unetzoo.training.crops import Crop, CropDataset
from unetzoo.training.distributed import agreed
from unetzoo.training.optim import create_optimizer
from unetzoo.training.options import FitOptions, Plan
from unetzoo.training.supervision import Supervised, supervised_loss
from unetzoo.training.target import loss_of

if TYPE_CHECKING:
    from accelerate import Accelerator

LIMIT = 55 * 60.0
"""Seconds of steps and validations; the rest of the hour is for reading the data, and for pictures."""
_TIMED = 2  # steps, after one that is not
_FORWARD = 1 / 3  # of the time of a step, to predict as many pixels


def within_the_hour(
    model: Segmenter, crops: CropDataset, options: FitOptions, plan: Plan, accelerator: "Accelerator", *, pixels: int
) -> FitOptions:
    """The options with a number of steps that ends within the hour; as they are on other devices, or if they say one.

    The time of a step is measured on a copy of the network. What is chosen stands in the recipe, so that the training
    can be made again.

    Args:
        model: to be trained.
        crops: of the training.
        options: of the training.
        plan: by these options.
        accelerator: of the training; its processes agree on the main one's number.
        pixels: of all images of a validation.
    """
    if accelerator.device.type != "cpu" or not options.has_default_length:
        return options
    step = _step_seconds(model, crops, options, plan)
    pace = Pace.of(step, validation=step * _FORWARD * pixels / (options.batch * prod(along_axes(plan.crop, 2))))
    needed = pace.left(plan, 0, 0)
    fitted = fit_plan(plan, LIMIT, pace, step=0, epochs=0, is_validated=False)
    is_long, steps, epochs = agreed((needed > LIMIT, fitted.steps, fitted.epochs), accelerator)
    if not is_long:
        return options
    if accelerator.is_main_process:
        warnings.warn(
            f"{plan.steps:,} steps would take about {duration(needed)} on this CPU; the training ends after "
            f"{steps:,}, within the hour. steps={plan.steps} (--steps {plan.steps}) trains all, minutes (--minutes) "
            "as long as you say",
            TrainingWarning,
            stacklevel=4,
        )
    return replace(options, steps=steps, epochs=epochs)


def _step_seconds(model: Segmenter, crops: CropDataset, options: FitOptions, plan: Plan) -> float:
    """Mean seconds of the first steps, but one; fewer are timed where the first one is short enough."""
    with torch.random.fork_rng(devices=()):
        start = monotonic()
        times = []
        for _ in _steps(model, crops, options, plan):
            times.append(monotonic() - start)
            if times[0] * plan.steps < LIMIT / 2:
                return times[0]
            start = monotonic()
    return sum(times[1:]) / _TIMED


def _steps(model: Segmenter, crops: CropDataset, options: FitOptions, plan: Plan) -> Iterator[None]:
    """Train a copy of the network for a few steps."""
    trial = Supervised(copy.deepcopy(model).train(), options.supervision)
    if options.activation_checkpointing:
        trial.model.checkpoint_activations()
    optimizer = create_optimizer(trial.model, options, torch.device("cpu"))
    loss = loss_of(model.config, plan.loss)
    dtype = getattr(torch, options.precision)
    for batch in islice(_batches(crops, options.batch), 1 + _TIMED):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            value = supervised_loss(loss, trial(batch.image), trial.reductions, batch.mask)
        torch.autograd.backward(value)
        optimizer.step()
        optimizer.zero_grad()
        yield


def _batches(crops: CropDataset, batch: int) -> "DataLoader[Crop]":
    return DataLoader(crops, batch)
