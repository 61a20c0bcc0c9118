"""The engine of a training: Hugging Face accelerate."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from unetzoo.errors import OptionError, TrainingError
from unetzoo.extras import how_to_install, need
from unetzoo.training.options import FitOptions

if TYPE_CHECKING:
    from accelerate import Accelerator


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
    if options.precision == "fp16" and (options.cpu or not torch.cuda.is_available()):
        raise OptionError("precision='fp16' needs a GPU; on a CPU use 'bf16' or 'no'")
    cpu = options.cpu or not torch.accelerator.is_available()  # else accelerate would not let processes meet there
    is_ours = not AcceleratorState._shared_state
    accelerator = Accelerator(
        mixed_precision=options.precision,
        cpu=cpu,
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


def _check_trackers(asked: Sequence[str], installed: Sequence[str]) -> None:
    for tracker in asked:
        if tracker not in installed:
            known = ", ".join(installed) or "none"
            raise OptionError(
                f"there is no tracker {tracker!r}; installed are {known}; tensorboard and trackio come with "
                f"{how_to_install('trackers')}"
            )
