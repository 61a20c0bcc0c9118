"""The loop of a training."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.optim.swa_utils import AveragedModel

from unetzoo.data.dataset import Dataset
from unetzoo.layers.valid import mirrored
from unetzoo.losses.resolution import middle_pixels
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.contracts import Encoder
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.segmenter import Segmenter, freeze, unfreeze
from unetzoo.training.crops import Crop, CropDataset, mixed
from unetzoo.training.distributed import batches, mean_loss, share_buffers, suspects
from unetzoo.training.options import FitOptions, Plan, Supervision
from unetzoo.training.progress import Epoch, Progress
from unetzoo.training.run import CHECKPOINTS, Checkpoints
from unetzoo.training.stopping import StopRequest, TrainingStoppedError, not_a_number
from unetzoo.training.validate import Judge
from unetzoo.weights.folder import BEST, write

if TYPE_CHECKING:
    from accelerate import Accelerator


class Supervised(nn.Module):
    """A network whose `forward` gives what the loss compares: data parallelism wraps `forward` alone.

    Args:
        model: the network.
        supervision: as `FitOptions.supervision`.
    """

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

        A network without padding sees mirror images around them, so that it has logits for the whole target.
        """
        if self.model.encoder.shrinks:
            grown = mirrored(images, self.model.encoder.features.reductions[-1])
            return [logits[..., : images.shape[2], : images.shape[3]] for logits in self.model.all_logits(grown)]
        if self.supervision == "native":
            return self.model.native_logits(images)
        return self.model.all_logits(images)


def supervised_loss(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Sequence[Tensor], reductions: Sequence[int], target: Tensor
) -> Tensor:
    """The mean loss over the outputs, a scalar; each compares with the target at its own resolution.

    Args:
        loss: maps logits (b, k, h, w) and a target (b, h, w) to a scalar.
        logits: of each output.
        reductions: input pixels per pixel of each of them, along each axis.
        target: (b, h, w), class ids.
    """
    pairs = zip(logits, reductions, strict=True)
    return torch.stack([loss(output, _reduced(target, by)) for output, by in pairs]).mean()


def _reduced(target: Tensor, by: int) -> Tensor:
    """Of each `by` x `by` pixels of a target the one in their middle; unknown where that lies beyond the border."""
    if by == 1:
        return target
    height, width = target.shape[-2:]
    padded = F.pad(target, (0, -width % by, 0, -height % by), value=UNKNOWN)
    return middle_pixels(padded, (by, by))


@dataclass(frozen=True)
class Listener:
    """What is told of a training while it runs.

    Attributes:
        on_start: called before the first step with the number of those that are done.
        on_step: called after each step with its number, from 1 on, that of all, and its loss.
        on_image: called after each image of a validation with its number, from 1 on, and that of all; of several
            processes, those of this one.
        on_epoch: called after each epoch.
    """

    on_start: Callable[[int], None] = lambda _: None
    on_step: Callable[[int, int, float], None] = lambda *_: None
    on_image: Callable[[int, int], None] = lambda *_: None
    on_epoch: Callable[[Epoch], None] = lambda _: None


@dataclass(frozen=True)
class Parts:
    """What is trained, and with what.

    Attributes:
        model: the network itself.
        network: the same, wrapped for the loss and for data parallelism.
        average: follows it; None: nothing does.
        reductions: of the logits that it gives.
        loss: maps logits and a target to a scalar.
        optimizer: of the weights.
        schedule: of its learning rates.
        clip: largest norm of the gradient of all weights together; None: the optimizer clips.
    """

    model: Segmenter
    network: nn.Module
    reductions: Sequence[int]
    average: AveragedModel | None
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    clip: float | None

    @property
    def judged(self) -> Segmenter:
        """What is validated and saved."""
        if self.average is None:
            return self.model
        followed = self.average.module
        assert isinstance(followed, Segmenter)  # noqa: S101 - it is a copy of `model`
        return followed


class Training:
    """A training that can stop after any step, and go on.

    Args:
        accelerator: runs it.
        parts: what is trained.
        options: as the user gave them.
        plan: what follows from them.
        info: what is saved with the network.
        folder: of the run.
    """

    def __init__(
        self, accelerator: "Accelerator", parts: Parts, options: FitOptions, plan: Plan, info: ModelInfo, folder: Path
    ) -> None:
        self.accelerator = accelerator
        self.parts = parts
        self.options = options
        self.plan = plan
        self.info = info
        self.folder = folder
        self.progress = Progress()
        self.checkpoints = Checkpoints(folder / CHECKPOINTS, accelerator)
        self.stop = StopRequest(alone=accelerator.num_processes == 1)
        self.judge = Judge()
        accelerator.register_for_checkpointing(self.progress)
        if parts.average is not None:
            accelerator.register_for_checkpointing(parts.average)

    def run(self, crops: CropDataset, validation: Dataset, listener: Listener, *, resume: bool) -> None:
        """Train up to the end of the plan, from the start or from the last checkpoint.

        Raises:
            TrainingStoppedError: a signal came; a checkpoint was written.
            TrainingError: the loss is no number.
        """
        with self.stop.listening(), self._own_random_state(), _frozen_as_before(self.parts.model.encoder):
            if not (resume and self.checkpoints.load()):
                self.checkpoints.save(0)
            listener.on_start(self.progress.step)
            if self._epoch_is_over():  # a signal came while it was validated
                self._after_step(validation, listener)
            for batch in batches(crops, self.options, self.accelerator, start=self.progress.step):
                self._set_frozen()
                loss = self._step(batch)
                self.progress.step += 1
                self.progress.losses.append(loss)
                listener.on_step(self.progress.step, self.plan.steps, loss)
                self._after_step(validation, listener)

    def _on_gpu(self) -> bool:
        return bool(self.accelerator.device.type == "cuda")

    def _step(self, batch: Crop) -> float:
        """One update of the weights; the loss, the mean over all processes."""
        parts, accelerator = self.parts, self.accelerator
        torch.manual_seed(mixed(self.options.seed, "step", self.progress.step, accelerator.process_index))
        parts.network.train()
        loss: Tensor = supervised_loss(parts.loss, parts.network(batch.image), parts.reductions, batch.mask)
        told = mean_loss(loss.detach(), self.stop, accelerator)
        if not math.isfinite(told):
            raise not_a_number(told, self.progress.step + 1, suspects(loss, batch.name))
        accelerator.backward(loss)
        if parts.clip is not None:
            accelerator.clip_grad_norm_(parts.network.parameters(), parts.clip)
        parts.optimizer.step()
        parts.schedule.step()
        parts.optimizer.zero_grad()
        if parts.average is not None:
            parts.average.update_parameters(parts.model)
        return told

    def _set_frozen(self) -> None:
        """Freeze the encoder for the first epochs, and thaw it then."""
        wanted = self.plan.epochs_in(self.progress.step) < self.options.frozen_epochs
        if wanted and not self.parts.model.encoder.frozen:
            freeze(self.parts.model.encoder)
        elif self.options.frozen_epochs and not wanted and self.parts.model.encoder.frozen:
            unfreeze(self.parts.model.encoder)

    def _after_step(self, validation: Dataset, listener: Listener) -> None:
        """Validate at the end of an epoch; write a checkpoint when it is time; stop after it when a signal came."""
        ended = self._end_epoch(validation, listener) if self._epoch_is_over() else None
        if ended is not None:
            listener.on_epoch(ended)
        step, every, signal = self.progress.step, self.options.checkpoint_steps, self.stop.heeded
        due = step % every == 0 if every else ended is not None
        if due or signal or step == self.plan.steps:
            self.checkpoints.save(step)
        if signal and (step < self.plan.steps or self._epoch_is_over()):
            raise TrainingStoppedError(signal, step)

    def _epoch_is_over(self) -> bool:
        """Whether one is that was not validated yet."""
        return len(self.progress.epochs) < self.plan.epochs_in(self.progress.step)

    def _end_epoch(self, validation: Dataset, listener: Listener) -> Epoch | None:
        """Validate, remember what came out, and keep the network if it is the best one; None where a signal came."""
        progress = self.progress
        network = self.parts.judged.eval()
        share_buffers(network, self.accelerator)
        ious = self.judge.ious(network, validation, self.accelerator, self.stop, listener.on_image)
        if ious is None:
            return None
        best = progress.best
        epoch = Epoch(
            epoch=len(progress.epochs) + 1,
            step=progress.step,
            loss=sum(progress.losses) / len(progress.losses),
            learning_rate=float(self.parts.schedule.get_last_lr()[-1]),
            mean_iou=ious.mean,
            class_iou=ious.each,
            is_best=best is None or ious.mean is None or best.mean_iou is None or ious.mean > best.mean_iou,
        )
        if epoch.is_best and self.accelerator.is_main_process:
            write(self.parts.judged, self.folder / BEST, info=info_with(self.info, epoch))
        progress.epochs.append(epoch)
        progress.losses = []
        return epoch

    @contextmanager
    def _own_random_state(self) -> Iterator[None]:
        """Leave torch's random state as it was."""
        devices = [torch.cuda.current_device()] if self._on_gpu() else []
        with torch.random.fork_rng(devices=devices):
            yield


@contextmanager
def _frozen_as_before(encoder: Encoder) -> Iterator[None]:
    """Leave an encoder that was frozen for the first epochs thawed, though there were no others."""
    frozen = encoder.frozen
    try:
        yield
    finally:
        if encoder.frozen and not frozen:
            unfreeze(encoder)


def info_with(info: ModelInfo, epoch: Epoch) -> ModelInfo:
    """What is saved with a network, and how well it does."""
    from dataclasses import replace

    if epoch.mean_iou is None:
        return info
    metrics = {"mean IoU": epoch.mean_iou}
    for name, value in zip(info.class_names, epoch.class_iou, strict=True):
        if value is not None:
            metrics[f"IoU of {name}"] = value
    return replace(info, metrics=metrics)
