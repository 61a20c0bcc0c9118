"""A network as a program of `torch.export`, which runs without unetzoo, checked as torch loads it."""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from unetzoo._utils.time_limit import TimedOut, time_limit
from unetzoo.errors import UnetzooError
from unetzoo.inference.exports.program import Job, cannot_be_exported, check_same, recorded


def write_program(job: Job, path: Path) -> None:
    """Write the program and its weights into one `.pt2` file, and check it; errors as `export`."""
    try:
        with time_limit(None if job.image_size else job.patience, of_processor=True):
            program = recorded(job)
    except TimedOut as error:
        reason = f"found no graph for every size in {job.patience:g} seconds of computing"
        raise UnetzooError(f"{job.name}: {reason}{job.way_out}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        torch.export.save(program, path)
        module = torch.export.load(path).module()

    def run(image: Tensor) -> Tensor:
        with torch.no_grad(), cannot_be_exported(job):
            output: Tensor = module(image)
        return output

    check_same(job, run, "the saved program")
