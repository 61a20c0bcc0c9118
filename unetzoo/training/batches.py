"""Crops in batches, cut by as many processes as are asked for."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING

from torch.utils.data import BatchSampler, DataLoader

from unetzoo._utils.workers import GUARD, end_with_parent_alone
from unetzoo.errors import DataError, TrainingError
from unetzoo.training.crops import Crop, CropDataset
from unetzoo.training.options import FitOptions

if TYPE_CHECKING:
    from accelerate import Accelerator

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
