"""The processes of a training: the engine (Hugging Face accelerate), what they share, and workers that cut crops."""

import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Sampler

from unetzoo._utils.extras import how_to_install, need
from unetzoo._utils.workers import GUARD, end_only_with_parent
from unetzoo.errors import DataError, OptionError, TrainingError
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.crops import Crop, CropDataset
from unetzoo.training.options import FitOptions
from unetzoo.training.stopping import StopRequest

if TYPE_CHECKING:
    from accelerate import Accelerator

_MIXED = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
_MOST_WORKERS = 8


@contextmanager
def accelerating(options: FitOptions, folder: Path) -> "Iterator[Accelerator]":
    """An accelerator for one training; afterwards another may have another precision.

    Raises:
        MissingExtraError: a package of the extra `train` is not installed.
        OptionError: a tracker is not installed, or the device, the precision or the batch does not fit the hardware.
        TrainingError: several processes were started that do not train together.
    """
    need("train", "training", "accelerate", "matplotlib")
    from accelerate import Accelerator, DataLoaderConfiguration, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState
    from accelerate.tracking import get_available_trackers
    from accelerate.utils import GradientAccumulationPlugin

    _check_trackers(options.trackers, [str(tracker) for tracker in get_available_trackers()])
    cpu = _uses_cpu(options.device)
    if options.precision == "float16" and (cpu or not torch.cuda.is_available()):
        raise OptionError("precision='float16' needs a GPU; on a CPU use 'bfloat16' or 'float32'")
    owns_state = not AcceleratorState._shared_state
    accelerator = Accelerator(
        mixed_precision=_MIXED[options.precision],
        cpu=cpu,  # also where there is nothing else: accelerate would not let processes meet there
        log_with=list(options.trackers) or None,
        project_dir=str(folder),
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),  # whatever the environment says
        dataloader_config=DataLoaderConfiguration(split_batches=True, non_blocking=True),  # from pinned memory
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
        if owns_state:  # several processes stay a group: they cannot meet a second time
            AcceleratorState._reset_state(reset_partial_state=accelerator.num_processes == 1)  # the device, too


def _uses_cpu(device: str | None) -> bool:
    """Whether a training runs on the CPU; OptionError for a device that is neither that nor the accelerator."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    kind = accelerator.type if accelerator else "cpu"
    if device not in (None, "cpu", kind):
        hint = "; choose one GPU with CUDA_VISIBLE_DEVICES" if device.startswith("cuda:") else ""
        choices = "'cpu'" if kind == "cpu" else f"'cpu' or {kind!r}"
        raise OptionError(f"device must be {choices} on this machine, got {device!r}{hint}")
    return "cpu" in (device, kind)


def _check_trackers(names: Sequence[str], installed: Sequence[str]) -> None:
    for name in names:
        if name not in installed:
            raise OptionError(
                f"there is no tracker {name!r}; installed are {', '.join(installed) or 'none'}; tensorboard and "
                f"trackio come with {how_to_install('trackers')}"
            )


def synchronize_batch_norm(model: Segmenter) -> None:
    """Replace each batch norm inside a network, in place, by one that sees the batches of all processes.

    A layer of timm that is a norm and an activation at once stays both, unlike with `torch.nn.SyncBatchNorm`.
    """
    from timm.layers.norm_act import convert_sync_batchnorm

    convert_sync_batchnorm(model)  # type: ignore[no-untyped-call] # timm has no types


def share_buffers(model: Segmenter, accelerator: "Accelerator") -> None:
    """Copy the batch-norm statistics of the main process, which saves the network, to all processes."""
    from accelerate.utils import broadcast

    if accelerator.num_processes == 1:
        return
    buffers = list(model.buffers())
    for buffer, sent in zip(buffers, broadcast(buffers), strict=True):
        buffer.copy_(sent)


def mean_loss(loss: Tensor, stop: StopRequest, accelerator: "Accelerator") -> float:
    """Average the loss over the processes, and share any received stop signal."""
    if accelerator.num_processes == 1:
        return loss.item()
    signal = torch.tensor(float(stop.local_signal), device=loss.device)
    losses, signals = accelerator.gather(torch.stack([loss, signal])).reshape(-1, 2).unbind(1)
    stop.shared_signal = int(signals.max())
    return float(losses.mean())


def failing_samples(loss: Tensor, names: Sequence[str]) -> list[str]:
    """The samples of the processes whose own loss is not finite; a collective call."""
    from accelerate.utils import gather_object

    failing: list[str] = gather_object([] if math.isfinite(loss.item()) else list(names))
    return failing


def agreed(numbers: Sequence[int], accelerator: "Accelerator") -> list[int]:
    """The numbers of the main process in all processes; a collective call."""
    from accelerate.utils import broadcast_object_list

    shared = list(numbers)
    return shared if accelerator.num_processes == 1 else list(broadcast_object_list(shared))


class _Numbers(Sampler[int]):
    """The numbers of the crops from one on, up to a last one that may move meanwhile."""

    def __init__(self, start: int, count: Callable[[], int]) -> None:
        self._start, self._count = start, count

    def __iter__(self) -> Iterator[int]:
        number = self._start
        while number < self._count():
            yield number
            number += 1

    def __len__(self) -> int:
        return max(0, self._count() - self._start)


def batches(
    crops: CropDataset, options: FitOptions, accelerator: "Accelerator", *, start: int, steps: Callable[[], int]
) -> Iterator[Crop]:
    """The batches of a training from the step `start` on, from 0, to the last one; DataError for a missing file.

    The number of all steps may change meanwhile, but some batches are read ahead.
    """
    on_gpu = accelerator.device.type == "cuda"
    default_workers = min(_MOST_WORKERS, os.cpu_count() or 1) if on_gpu else 0
    loader = DataLoader(
        crops,
        batch_sampler=BatchSampler(
            _Numbers(start * options.batch, lambda: steps() * options.batch), options.batch, drop_last=False
        ),
        num_workers=default_workers if options.workers is None else options.workers,
        pin_memory=on_gpu,
        worker_init_fn=_begin_worker,
    )
    with _plain_errors():
        yield from accelerator.prepare_data_loader(loader)


def _begin_worker(_: int) -> None:
    end_only_with_parent()  # a signal to all processes is for the one that writes the checkpoint


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise the error of a worker without the traceback that torch puts into its message.

    On any error the workers end now: the traceback would keep the iterator that they work for, and a process waits for
    its workers when it exits.
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
    causes = "it may have been killed because memory ran out"
    if multiprocessing.get_start_method() != "fork":
        causes = f"if a script calls fit, {GUARD}; else {causes}"
    return f"a process that reads images ended unexpectedly: {causes}; or read in this process with workers=0"
