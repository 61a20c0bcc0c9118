"""The engine of a training, Hugging Face accelerate, and the processes that work on it."""

import math
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader

from unetzoo._utils.extras import how_to_install, need
from unetzoo._utils.workers import GUARD, end_with_parent_alone
from unetzoo.errors import DataError, OptionError, TrainingError
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.crops import Crop, CropDataset
from unetzoo.training.options import FitOptions
from unetzoo.training.stopping import StopRequest

if TYPE_CHECKING:
    from accelerate import Accelerator

_MIXED = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


@contextmanager
def accelerating(options: FitOptions, folder: Path) -> "Iterator[Accelerator]":
    """An accelerator for one training; afterwards another may have another precision.

    Raises:
        MissingExtraError: accelerate is not installed, or what judges and draws.
        OptionError: a tracker, the precision or the batch does not fit what is installed or at hand.
        TrainingError: several processes were started that do not train together.
    """
    need("train", "training", "accelerate", "torchmetrics", "matplotlib")
    from accelerate import Accelerator, DataLoaderConfiguration, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState
    from accelerate.tracking import get_available_trackers
    from accelerate.utils import GradientAccumulationPlugin

    _check_trackers(options.trackers, [str(tracker) for tracker in get_available_trackers()])
    cpu = _is_cpu(options.device)
    if options.precision == "float16" and (cpu or not torch.cuda.is_available()):
        raise OptionError("precision='float16' needs a GPU; on a CPU use 'bfloat16' or 'float32'")
    is_ours = not AcceleratorState._shared_state
    accelerator = Accelerator(
        mixed_precision=_MIXED[options.precision],
        cpu=cpu,  # also where there is nothing else: accelerate would not let processes meet there
        log_with=list(options.trackers) or None,
        project_dir=str(folder),
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),  # whatever the environment says
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=options.frozen_epochs > 0)],
    )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if accelerator.num_processes != started:
        raise TrainingError(f"{started} processes were started, but {accelerator.num_processes} train together")
    if options.batch % accelerator.num_processes:
        raise OptionError(f"batch must be a multiple of the {accelerator.num_processes} processes, got {options.batch}")
    try:
        yield accelerator
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()
        if is_ours:  # several processes stay a group: they cannot meet a second time
            AcceleratorState._reset_state(reset_partial_state=accelerator.num_processes == 1)  # the device, too


def _is_cpu(device: str | None) -> bool:
    """Whether a training runs on the CPU; OptionError for a device that is neither that nor the accelerator here."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    kind = accelerator.type if accelerator else "cpu"
    if device not in (None, "cpu", kind):
        one = "; choose one GPU with CUDA_VISIBLE_DEVICES" if device.startswith("cuda:") else ""
        here = "'cpu'" if kind == "cpu" else f"'cpu' or {kind!r}"
        raise OptionError(f"device must be {here} here, got {device!r}{one}")
    return "cpu" in (device, kind)


def _check_trackers(asked: Sequence[str], installed: Sequence[str]) -> None:
    for tracker in asked:
        if tracker not in installed:
            known = ", ".join(installed) or "none"
            raise OptionError(
                f"there is no tracker {tracker!r}; installed are {known}; tensorboard and trackio come with "
                f"{how_to_install('trackers')}"
            )


def share_batches(model: Segmenter, accelerator: "Accelerator") -> None:
    """On several GPUs, let each batch norm in place see what all of them see; on CPUs torch cannot."""
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        synchronise_batch_norm(model)


def synchronise_batch_norm(model: Segmenter) -> None:
    """Replace each batch norm inside a network, in place, by one that sees the batches of all processes.

    A layer of timm's that is a norm and an activation at once stays both, unlike with `torch.nn.SyncBatchNorm`.
    """
    from timm.layers.norm_act import convert_sync_batchnorm

    convert_sync_batchnorm(model)  # type: ignore[no-untyped-call] # timm has no types


def share_buffers(model: Segmenter, accelerator: "Accelerator") -> None:
    """Give all processes the batch-norm statistics of the main one, which saves the network."""
    from accelerate.utils import broadcast

    if accelerator.num_processes == 1:
        return
    buffers = list(model.buffers())
    for buffer, sent in zip(buffers, broadcast(buffers), strict=True):
        buffer.copy_(sent)


def mean_loss(loss: Tensor, stop: StopRequest, accelerator: "Accelerator") -> float:
    """The mean loss of all processes; a signal that one of them got by now, all know then."""
    if accelerator.num_processes == 1:
        return loss.item()
    signal = torch.tensor(float(stop.received), device=loss.device)
    losses, signals = accelerator.gather(torch.stack([loss, signal])).reshape(-1, 2).unbind(1)
    stop.agreed = int(signals.max())
    return float(losses.mean())


def suspects(loss: Tensor, names: Sequence[str]) -> Sequence[str]:
    """The samples of those processes whose own loss is no number; all processes must ask."""
    from accelerate.utils import gather_object

    told: list[str] = gather_object([] if math.isfinite(loss.item()) else list(names))
    return told


_MOST_WORKERS = 8


def batches(crops: CropDataset, options: FitOptions, accelerator: "Accelerator", *, start: int) -> Iterator[Crop]:
    """The batches of a training from the step `start` on, from 0, to the last one.

    Raises:
        DataError: a file cannot be read any more.
        TrainingError: a worker ended unexpectedly.
    """
    on_gpu = accelerator.device.type == "cuda"
    workers = _workers(on_gpu=on_gpu) if options.workers is None else options.workers
    loader = DataLoader(
        crops,
        batch_sampler=BatchSampler(range(start * options.batch, len(crops)), options.batch, drop_last=False),
        num_workers=workers,
        pin_memory=on_gpu,
        worker_init_fn=_begin_worker,
    )
    with _plain_errors():
        yield from accelerator.prepare_data_loader(loader)


def _workers(*, on_gpu: bool) -> int:
    return min(_MOST_WORKERS, os.cpu_count() or 1) if on_gpu else 0


def _begin_worker(_: int) -> None:
    end_with_parent_alone()  # a signal to all processes is for the one that writes the checkpoint


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say of an error in a worker what it says itself, without the traceback that torch makes its message.

    Whatever was raised, the workers end now: the traceback would keep the iterator that they work for, and a process
    waits for its workers when it exits.
    """
    try:
        yield
    except Exception as error:
        clear_frames(error.__traceback__)
        if isinstance(error, DataError):
            raise DataError(str(error).rpartition(f"{type(error).__name__}: ")[2].strip()) from error
        if isinstance(error, BrokenPipeError) or "exited unexpectedly" in str(error):
            raise TrainingError(_why_a_worker_ended()) from None
        raise


def _why_a_worker_ended() -> str:
    causes = "it may have been killed for want of memory"
    if multiprocessing.get_start_method() != "fork":
        causes = f"if a script calls fit, {GUARD}; else {causes}"
    return f"a process that reads images ended unexpectedly: {causes}; or read in this process with workers=0"
