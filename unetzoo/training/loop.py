"""The loop of a training: steps, validation after each epoch, checkpoints."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.optim.lr_scheduler import LambdaLR

from unetzoo.data.dataset import Dataset
from unetzoo.nn.contracts import Encoder
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.segmenter import Segmenter, freeze, unfreeze
from unetzoo.training.budget import FIRST_STEPS, Pace, fit_plan
from unetzoo.training.crops import Crop, CropDataset, mixed
from unetzoo.training.distributed import (
    agreed,
    batches,
    failing_samples,
    mean_loss,
    share_buffers,
    synchronize_batch_norm,
)
from unetzoo.training.optim import DenseAdamW, MovingAverage, create_optimizer, rate_of
from unetzoo.training.options import SHORTEST_EPOCH, FitOptions, Plan
from unetzoo.training.progress import Epoch, FitListener, Progress
from unetzoo.training.run import CHECKPOINTS, Checkpoints
from unetzoo.training.stopping import StopRequest, TrainingStoppedError, not_finite
from unetzoo.training.supervision import Supervised, supervised_loss
from unetzoo.training.target import loss_of
from unetzoo.training.validate import Validator
from unetzoo.weights.folder import BEST, write

if TYPE_CHECKING:
    from accelerate import Accelerator


_SOON = 0.05  # share of a budget of time after which slow steps need a plan


class Training:
    """A training that can stop after any step, and continue; trains `model` in place, and saves it with `info`."""

    def __init__(
        self,
        accelerator: "Accelerator",
        model: Segmenter,
        options: FitOptions,
        plan: Plan,
        info: ModelInfo,
        folder: Path,
    ) -> None:
        self.accelerator, self.model, self.options = accelerator, model, options
        self.plan, self.info, self.folder = plan, info, folder
        model.to(accelerator.device)
        if accelerator.num_processes > 1 and accelerator.device.type == "cuda":  # on CPUs torch cannot
            synchronize_batch_norm(model)
        supervised = Supervised(model, options.supervision)
        optimizer = create_optimizer(model, options, accelerator.device)
        schedule = LambdaLR(optimizer, lambda step: self._rate(step))
        self.reductions = supervised.reductions
        self.clips = not isinstance(optimizer, DenseAdamW)  # that one clips itself
        self.loss = loss_of(model.config, plan.loss).to(accelerator.device)
        self.average = MovingAverage(model, options.average) if options.average else None
        self.network, self.optimizer, self.schedule = accelerator.prepare(supervised, optimizer, schedule)
        self.progress = Progress()
        self.pace = Pace()
        self.checkpoints = Checkpoints(folder / CHECKPOINTS, accelerator)
        self.stop = StopRequest(single_process=accelerator.num_processes == 1)
        self.validator = Validator()
        accelerator.register_for_checkpointing(self.progress)
        if self.average is not None:
            accelerator.register_for_checkpointing(self.average)

    def run(self, crops: CropDataset, validation: Dataset, listener: FitListener, *, resume: bool) -> None:
        """Train up to the end of the plan, from the start or from the last checkpoint; see `fit` for errors."""
        devices = [torch.cuda.current_device()] if self.accelerator.device.type == "cuda" else []
        with self.stop.listening(), torch.random.fork_rng(devices=devices), _unfrozen_again(self.model.encoder):
            if not (resume and self.checkpoints.load()):
                self.checkpoints.save(0)
            self._continue_budget()
            listener.on_start(self.progress.step)
            if self._is_epoch_over():  # a signal came while it was validated
                self._after_step(validation, listener)
            while self.progress.step < self.plan.steps:  # again if a budget grew after the last batch was read
                self._run_steps(crops, validation, listener)

    def _run_steps(self, crops: CropDataset, validation: Dataset, listener: FitListener) -> None:
        """Train on the batches up to the end of the plan."""
        steps = self.progress.step
        for batch in batches(crops, self.options, self.accelerator, start=steps, steps=lambda: self.plan.steps):
            if self.progress.step >= self.plan.steps:  # a budget of time ends, and some batches were read ahead
                continue
            self._set_frozen()
            loss = self._step(batch)
            self.progress.step += 1
            self.progress.losses.append(loss)
            listener.on_step(self.progress.step, self.plan.steps, loss)
            self.pace.end_step()
            if self.pace.steps == FIRST_STEPS or self._is_slow():
                self._replan(listener)
            self._after_step(validation, listener)

    def _rate(self, step: int) -> float:
        """The learning rate at a step, as a share of the highest; the number of all steps may change."""
        return rate_of(self.options.schedule, steps=self.plan.steps, warm_up=self.options.warm_up)(step)

    def _continue_budget(self) -> None:
        """Begin to take the time; that of a run that is resumed counts, and is the first guess of its pace."""
        progress, minutes = self.progress, self.options.minutes
        self.pace = Pace(progress.seconds)
        if minutes is None or not progress.step:
            return
        left = 60 * minutes - progress.seconds if minutes > progress.minutes else 0
        steps = max(0 if self._is_validated() else 1, int(left * progress.step / (progress.seconds or 1)))
        epochs = min(steps, max(1, steps // SHORTEST_EPOCH))
        done = (progress.step, len(progress.epochs))
        self.plan = replace(self.plan, steps=done[0] + steps, epochs=done[1] + epochs, origin=done)

    def _is_validated(self) -> bool:
        """Whether an epoch ended with the last step."""
        epochs = self.progress.epochs
        return bool(epochs) and epochs[-1].step == self.progress.step

    def _is_slow(self) -> bool:
        """Whether a budget of time needs a plan before the usual number of steps; for a process that trains alone."""
        is_alone, minutes, steps = self.accelerator.num_processes == 1, self.options.minutes, self.pace.steps
        if minutes is None or not is_alone or not 1 < steps < FIRST_STEPS or self.plan.origin != (0, 0):
            return False
        return self.pace.spent >= _SOON * 60 * minutes

    def _replan(self, listener: FitListener) -> None:
        """Fit the plan into what is left of a budget of time, and tell the time to its end."""
        pace, progress, minutes = self.pace, self.progress, self.options.minutes
        step, epochs = progress.step, len(progress.epochs)
        if minutes is not None and pace.steps > 1:
            left = 60 * minutes - pace.spent
            plan = fit_plan(self.plan, left, pace, step=step, epochs=epochs, is_validated=self._is_validated())
            steps, count = agreed((plan.steps, plan.epochs), self.accelerator)
            self.plan = replace(plan, steps=steps, epochs=count)
        if pace.steps > 1:
            listener.on_plan(self.plan.steps, self.plan.epochs, pace.left(self.plan, step, epochs))

    def _step(self, batch: Crop) -> float:
        """One update of the weights; returns the loss, the mean over all processes."""
        accelerator = self.accelerator
        torch.manual_seed(mixed(self.options.seed, "step", self.progress.step, accelerator.process_index))
        self.network.train()
        loss = supervised_loss(self.loss, self.network(batch.image), self.reductions, batch.mask)
        mean = mean_loss(loss.detach(), self.stop, accelerator)
        if not math.isfinite(mean):
            raise not_finite(mean, self.progress.step + 1, failing_samples(loss, batch.name))
        accelerator.backward(loss)
        if self.clips:
            accelerator.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return mean

    def _set_frozen(self) -> None:
        """Freeze the encoder for the first epochs, and unfreeze it after them."""
        freezes = self.plan.epochs_in(self.progress.step) < self.options.frozen_epochs
        if freezes and not self.model.encoder.frozen:
            freeze(self.model.encoder)
        elif self.options.frozen_epochs and not freezes and self.model.encoder.frozen:
            unfreeze(self.model.encoder)

    def _after_step(self, validation: Dataset, listener: FitListener) -> None:
        """Validate at the end of an epoch, write a checkpoint when it is due, and stop after a signal."""
        epoch = self._end_epoch(validation, listener) if self._is_epoch_over() else None
        if epoch is not None:
            self.pace.end_validation()
            self._replan(listener)
            listener.on_epoch(epoch)
        step, every, signal = self.progress.step, self.options.checkpoint_steps, self.stop.signal
        due = step % every == 0 if every else epoch is not None
        if due or signal or step == self.plan.steps:
            self.progress.seconds = self.pace.spent
            if step == self.plan.steps:
                self.progress.minutes = self.options.minutes or 0.0
            self.checkpoints.save(step)
            self.pace.end_checkpoint()
        if signal and (step < self.plan.steps or self._is_epoch_over()):
            raise TrainingStoppedError(signal, step)

    def _is_epoch_over(self) -> bool:
        """Whether an epoch ended that is not validated yet."""
        return len(self.progress.epochs) < self.plan.epochs_in(self.progress.step)

    def _end_epoch(self, validation: Dataset, listener: FitListener) -> Epoch | None:
        """Validate, record the epoch, and save the network if it is the best; None after a signal."""
        progress = self.progress
        model = self._averaged_model().eval()
        share_buffers(model, self.accelerator)
        ious = self.validator.ious(model, validation, self.accelerator, self.stop, listener.on_image)
        if ious is None:
            return None
        best = progress.best
        epoch = Epoch(
            epoch=len(progress.epochs) + 1,
            step=progress.step,
            loss=sum(progress.losses) / len(progress.losses),
            learning_rate=float(self.schedule.get_last_lr()[-1]),
            mean_iou=ious.mean,
            class_iou=ious.each,
            is_best=True,
            average_precision=ious.average_precision,
        )
        if best is not None and best.score is not None and epoch.score is not None:
            epoch = replace(epoch, is_best=epoch.score > best.score)
        if epoch.is_best and self.accelerator.is_main_process:
            write(model, self.folder / BEST, info=_info_with(self.info, epoch))
        progress.epochs.append(epoch)
        progress.losses = []
        return epoch

    def _averaged_model(self) -> Segmenter:
        """The network that is validated and saved."""
        return self.model if self.average is None else self.average.module


@contextmanager
def _unfrozen_again(encoder: Encoder) -> Iterator[None]:
    """Unfreeze an encoder at the end that was not frozen before."""
    was_frozen = encoder.frozen
    try:
        yield
    finally:
        if encoder.frozen and not was_frozen:
            unfreeze(encoder)


def _info_with(info: ModelInfo, epoch: Epoch) -> ModelInfo:
    """What is saved with a network, with its scores."""
    if epoch.mean_iou is None:
        return info
    scores = zip(info.class_names, epoch.class_iou, strict=True)
    metrics = {f"IoU of {name}": value for name, value in scores if value is not None}
    objects = {} if epoch.average_precision is None else {"AP of objects": epoch.average_precision}
    return replace(info, metrics=objects | {"mean IoU": epoch.mean_iou} | metrics)
