"""Predict many files: which becomes which, and in how many processes."""

import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from unetzoo.data.images import SUFFIXES
from unetzoo.errors import DataError, UnetzooError
from unetzoo.inference.blocks import ZARR, is_zarr
from unetzoo.inference.files import FileOptions, FilePredictor, check_device
from unetzoo.model import Segmenter
from unetzoo.workers import deaf, end_with_parent

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

OnRows = Callable[[Path, int, int], None]


@dataclass(frozen=True)
class Job:
    """One image to predict.

    Attributes:
        source: the image.
        target: the file of the result.
    """

    source: Path
    target: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        state: predicted now; kept, as it was there already; or failed.
        error: of a job that failed.
    """

    job: Job
    state: Literal["predicted", "kept", "failed"]
    error: str = ""


def find_jobs(source: Path, target: Path, suffix: str) -> list[Job]:
    """The images of a file or a folder, and the files that they become.

    Args:
        source: an image, or a folder of images.
        target: for an image, a file (or a folder that is there); for a folder, a folder.
        suffix: of the files in a folder, such as `".png"`.

    Raises:
        DataError: there is no such image, or none in the folder; two images would become one file, or one would take
            its own place.
    """
    jobs = _pairs(source, target, suffix)
    for job in jobs:
        if job.source.resolve() == job.target.resolve():
            raise DataError(f"the result of {job.source} would take its place; name another file or folder")
    return jobs


def _pairs(source: Path, target: Path, suffix: str) -> list[Job]:
    if not source.exists():
        raise DataError(f"there is no file or folder {source}")
    if is_zarr(source) or not source.is_dir():
        inside = target.is_dir() and target.suffix.lower() != ZARR
        return [Job(source, target / f"{source.stem}{suffix}" if inside else target)]
    return _pairs_in_folder(source, target, suffix)


def _pairs_in_folder(source: Path, target: Path, suffix: str) -> list[Job]:
    shown = [path for path in source.iterdir() if not path.name.startswith(".")]
    images = sorted(path for path in shown if path.suffix.lower() in (*SUFFIXES, ZARR))
    if not images:
        raise DataError(f"there are no images in the folder {source}; their endings are {', '.join((*SUFFIXES, ZARR))}")
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file; the images of a folder become files of a folder")
    if target.resolve() == source.resolve():
        raise DataError(f"{target} is the folder of the images itself; name another one for the results")
    by_stem = defaultdict(list)
    for image in images:
        by_stem[image.stem].append(image.name)
    for names in by_stem.values():
        if len(names) > 1:
            raise DataError(f"{' and '.join(names)} in {source} would both become {names[0].split('.')[0]}{suffix}")
    return [Job(image, target / f"{image.stem}{suffix}") for image in images]


def run_jobs(
    model: Segmenter, jobs: Sequence[Job], options: FileOptions, *, workers: int, on_rows: OnRows
) -> Iterator[Outcome]:
    """Predict each image, in this process or in several.

    Args:
        model: of `create`, `load` or `pull`.
        jobs: what to predict.
        options: how.
        workers: processes; with several, and more GPUs than one, they share these evenly.
        on_rows: told of an image how many rows are finished, and how many there are; with one process alone.

    Raises:
        DataError: a process ended without an answer.
    """
    if workers == 1:
        predictor = FilePredictor(model, options)
        for job in jobs:
            yield attempt(predictor, job, lambda done, total, job=job: on_rows(job.source, done, total))  # type: ignore[misc] # its default binds the job
        return
    yield from _in_processes(model, jobs, options, workers)


def attempt(predictor: FilePredictor, job: Job, on_rows: Callable[[int, int], None] = lambda *_: None) -> Outcome:
    """Do a job; an error of its files is its outcome."""
    try:
        done = predictor.predict(job.source, job.target, on_rows=on_rows)
    except UnetzooError as error:
        return Outcome(job, "failed", str(error))
    return Outcome(job, "predicted" if done else "kept")


_predictor: FilePredictor | None = None  # of a worker process


def _in_processes(model: Segmenter, jobs: Sequence[Job], options: FileOptions, workers: int) -> Iterator[Outcome]:
    if options.device:
        check_device(options.device)  # before there are processes
    context = multiprocessing.get_context("spawn")
    devices: Queue[str | None] = context.Queue()
    gpus = 0 if options.device else torch.cuda.device_count()
    for number in range(workers):
        devices.put(f"cuda:{number % gpus}" if gpus else options.device)
    threads = max(1, torch.get_num_threads() // workers)
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), context, initializer=_begin, initargs=(model.cpu(), options, devices, threads)
    )
    others = set(multiprocessing.active_children())
    with deaf():
        waiting: list[Future[Outcome]] = [pool.submit(_do, job) for job in jobs]
    try:
        for future in as_completed(waiting):
            yield future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process ended without an answer, perhaps for want of memory; the same command goes on with the rest"
        ) from error
    except BaseException:  # such as Ctrl-C; the same command goes on from there
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(model: Segmenter, options: FileOptions, devices: "Queue[str | None]", threads: int) -> None:
    global _predictor
    end_with_parent()
    torch.set_num_threads(threads)
    _predictor = FilePredictor(model, replace(options, device=devices.get()))


def _do(job: Job) -> Outcome:
    assert _predictor is not None  # noqa: S101 - `_begin` ran first
    return attempt(_predictor, job)
