"""Predict many files: which becomes which, and in how many processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from unetzoo._utils.workers import deaf, end_with_parent
from unetzoo.data.formats.images import SUFFIXES
from unetzoo.data.sources.folders import folders_of_masks
from unetzoo.data.sources.listing import list_images
from unetzoo.errors import DataError, MissingExtraError, UnetzooError
from unetzoo.inference.devices import check_device
from unetzoo.inference.files.blocks import ZARR, is_zarr
from unetzoo.inference.files.predictor import FileOptions, FilePredictor
from unetzoo.nn.segmenter import Segmenter

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

OnRows = Callable[[Path, int, int], None]
_ENDINGS = (*SUFFIXES, ZARR)


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
        reason: why it failed, why a result that was there was predicted anew, or why one is kept that nobody knows.
        doubts: why an image is unlike those of the training, so that its result is probably wrong.
    """

    job: Job
    state: Literal["predicted", "kept", "failed"]
    reason: str = ""
    doubts: tuple[str, ...] = ()


def find_jobs(
    source: Path, target: Path, suffix: str, *, on_left_out: Callable[[str], None] = lambda _: None
) -> list[Job]:
    """The images of a file or a folder, and the files that they become.

    A folder is read as training reads its images, with the folders below it, which the results lie in likewise. Masks
    beside the images of a data set are no images, nor are results of before.

    Args:
        source: an image, or a folder of images.
        target: for an image, a file (or a folder that is there); for a folder, a folder.
        suffix: of the files in a folder, such as `".png"`.
        on_left_out: told of each folder that is left out, and why.

    Raises:
        DataError: there is no such image, or none in the folder; two images would become one file, or one would take
            its own place.
    """
    if not source.exists():
        raise DataError(f"there is no file or folder {source}")
    is_image = is_zarr(source) or not source.is_dir()
    jobs = [_job(source, target, suffix)] if is_image else _jobs_in_folder(source, target, suffix, on_left_out)
    images = {job.source.resolve(): job.source for job in jobs}
    for job in jobs:
        if image := images.get(job.target.resolve()):
            place = "its place" if image == job.source else f"the place of {image}"
            raise DataError(f"the result of {job.source} would take {place}; name another file or folder")
    return jobs


def _job(source: Path, target: Path, suffix: str) -> Job:
    inside = target.is_dir() and target.suffix.lower() != ZARR
    return Job(source, target / f"{source.stem}{suffix}" if inside else target)


def _jobs_in_folder(source: Path, target: Path, suffix: str, on_left_out: Callable[[str], None]) -> list[Job]:
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file; the images of a folder become files of a folder")
    if target.resolve() == source.resolve():
        raise DataError(f"{target} is the folder of the images itself; name another one for the results")
    jobs: dict[Path, Job] = {}
    for image in _images_in(source, target, on_left_out):
        result = target / image.relative_to(source).with_name(f"{image.stem}{suffix}")
        if result in jobs:
            names = f"{jobs[result].source.name} and {image.name}"
            raise DataError(f"{names} in {image.parent} would both become {result.name}")
        jobs[result] = Job(image, result)
    if not jobs:
        raise DataError(f"there are no images in the folder {source}; their endings are {', '.join(_ENDINGS)}")
    return list(jobs.values())


def _images_in(source: Path, target: Path, on_left_out: Callable[[str], None]) -> Iterator[Path]:
    listing = list_images(source, _ENDINGS)
    of_masks = folders_of_masks({parent for image in listing.images for parent in image.parents})
    results = target.resolve() if target.resolve().is_relative_to(source.resolve()) else None
    for sentence in listing.left_out:
        on_left_out(sentence)
    for folder in sorted(of_masks):
        on_left_out(f"{folder.relative_to(source)} is left out: it holds the masks of the images beside it")
    for image in listing.images:
        is_result = results is not None and image.resolve().is_relative_to(results)
        if not is_result and not of_masks.intersection(image.parents):
            yield image


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
        MissingExtraError: an image needs what is not installed; what is finished is kept.
    """
    if workers == 1:
        predictor = FilePredictor(model, options)
        for job in jobs:
            yield attempt(predictor, job, lambda done, total, job=job: on_rows(job.source, done, total))  # type: ignore[misc] # its default binds the job
        return
    yield from _in_processes(model, jobs, options, workers)


def attempt(predictor: FilePredictor, job: Job, on_rows: Callable[[int, int], None] = lambda *_: None) -> Outcome:
    """Do a job; an error of its files is its outcome.

    Raises:
        MissingExtraError: reading or writing it needs what is not installed, as that of other images does.
    """
    doubts: list[str] = []
    try:
        standing = predictor.predict(job.source, job.target, on_rows=on_rows, on_doubt=doubts.append)
    except MissingExtraError:
        raise
    except UnetzooError as error:
        return Outcome(job, "failed", str(error))
    return Outcome(job, "kept" if standing.stays else "predicted", standing.reason, tuple(doubts))


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
