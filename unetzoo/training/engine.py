"""The engine of a training: Hugging Face accelerate."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from unetzoo._utils.extras import how_to_install, need
from unetzoo.errors import OptionError, TrainingError
from unetzoo.training.options import FitOptions

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
