"""The loop of a training: steps, validation after each epoch, checkpoints."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.optim.lr_scheduler import LambdaLR

from unetzoo.data.dataset import Dataset
from unetzoo.layers.valid import mirrored
from unetzoo.losses.resolution import middle_pixels
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.contracts import Encoder
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.segmenter import Segmenter, freeze, unfreeze
from unetzoo.training.crops import Crop, CropDataset, mixed
from unetzoo.training.distributed import batches, failing_samples, mean_loss, share_buffers, synchronize_batch_norm
from unetzoo.training.optim import DenseAdamW, MovingAverage, create_optimizer, rate_of
from unetzoo.training.options import FitOptions, Plan, Supervision
from unetzoo.training.progress import Epoch, FitListener, Progress
from unetzoo.training.run import CHECKPOINTS, Checkpoints
from unetzoo.training.stopping import StopRequest, TrainingStoppedError, not_finite
from unetzoo.training.target import loss_of
from unetzoo.training.validate import Validator
from unetzoo.weights.folder import BEST, write

if TYPE_CHECKING:
    from accelerate import Accelerator


class Supervised(nn.Module):
    """A network whose `forward` gives what the loss compares: data parallelism wraps `forward` alone."""

    def __init__(self, model: Segmenter, supervision: Supervision) -> None:
        super().__init__()
        self.model = model
        self.supervision = supervision

    @property
    def reductions(self) -> tuple[int, ...]:
        """Input pixels per pixel of each output's logits, along each axis."""
        reductions = tuple(self.model.decoder.reductions)
        return reductions if self.supervision == "native" else (1,) * len(reductions)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Logits (b, classes, ...) of each output for images (b, c, h, w), the best last.

        For a network without padding, images are extended by mirroring, so that it has logits for the whole target.
        """
        if self.model.encoder.valid_padding:
            extended = mirrored(images, self.model.encoder.features.reductions[-1])
            return [logits[..., : images.shape[2], : images.shape[3]] for logits in self.model.all_logits(extended)]
        if self.supervision == "native":
            return self.model.native_logits(images)
        return self.model.all_logits(images)


def supervised_loss(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Sequence[Tensor], reductions: Sequence[int], target: Tensor
) -> Tensor:
    """The mean loss over the outputs, a scalar; each compares with the target at its own resolution.

    `loss` maps logits (b, k, h, w) and a target, (b, h, w) of class ids or (b, c + m, h, w) of objects, to a scalar;
    `reductions` are the input pixels per pixel of each output, along each axis.
    """
    pairs = zip(logits, reductions, strict=True)
    return torch.stack([loss(output, _downsampled(target, by)) for output, by in pairs]).mean()


def _downsampled(target: Tensor, by: int) -> Tensor:
    """The center pixel of each `by` x `by` block of a target; unknown where it lies beyond the border."""
    if by == 1:
        return target
    height, width = target.shape[-2:]
    unknown = UNKNOWN if target.ndim == 3 else 0  # in a target of objects a weight of 0
    return middle_pixels(F.pad(target, (0, -width % by, 0, -height % by), value=unknown), (by, by))


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
        schedule = LambdaLR(optimizer, rate_of(options.schedule, steps=plan.steps, warm_up=options.warm_up))
        self.reductions = supervised.reductions
        self.clips = not isinstance(optimizer, DenseAdamW)  # that one clips itself
        self.loss = loss_of(model.config, plan.loss).to(accelerator.device)
        self.average = MovingAverage(model, options.average) if options.average else None
        self.network, self.optimizer, self.schedule = accelerator.prepare(supervised, optimizer, schedule)
        self.progress = Progress()
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
            listener.on_start(self.progress.step)
            if self._is_epoch_over():  # a signal came while it was validated
                self._after_step(validation, listener)
            for batch in batches(crops, self.options, self.accelerator, start=self.progress.step):
                self._set_frozen()
                loss = self._step(batch)
                self.progress.step += 1
                self.progress.losses.append(loss)
                listener.on_step(self.progress.step, self.plan.steps, loss)
                self._after_step(validation, listener)

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
            listener.on_epoch(epoch)
        step, every, signal = self.progress.step, self.options.checkpoint_steps, self.stop.signal
        due = step % every == 0 if every else epoch is not None
        if due or signal or step == self.plan.steps:
            self.checkpoints.save(step)
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
