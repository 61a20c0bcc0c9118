"""Predict many files: in this process, in several, or over a Ray cluster."""

import multiprocessing
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from unetzoo._utils.workers import end_with_parent, ignore_sigint_in_children
from unetzoo.checks import check_count
from unetzoo.data.formats.table import written_ending
from unetzoo.errors import DataError, DataWarning, OptionError
from unetzoo.inference.devices import check_device
from unetzoo.inference.files.cluster import run_on_ray
from unetzoo.inference.files.computed import by_engine
from unetzoo.inference.files.jobs import Images, Job, SourceImage, find_jobs
from unetzoo.inference.files.object_files import ObjectFiles
from unetzoo.inference.files.object_plan import check_network, plan_files
from unetzoo.inference.files.object_writer import with_object_files
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePrediction, FilePredictor, OnRows, attempt
from unetzoo.inference.files.writers import make_folder
from unetzoo.inference.forward import Network
from unetzoo.inference.uncertainty import check_uncertainty
from unetzoo.nn.wrapped import network_of

if TYPE_CHECKING:
    from multiprocessing.queues import Queue


def predict_files(
    model: Network,
    images: Images,
    out: str | Path,
    *,
    options: PredictOptions | None = None,
    object_files: ObjectFiles | None = None,
    workers: int | None = None,
    ray: str | None = None,
    on_result: Callable[[FilePrediction], None] = lambda _: None,
) -> list[FilePrediction]:
    """Write the masks of images into files, as `unetzoo predict` does.

    TIFF files of more than 128 MB, .npy and .zarr are read and written by blocks, so that memory does not grow with the
    image. A result appears complete or not at all. Stopped at any moment, the same call continues where it stopped. A
    result that the same network, options and image made is kept; one that another network made is replaced; a file
    that unetzoo did not write is left alone without `PredictOptions(overwrite=True)`.

    Args:
        model: of `create`, `load` or `pull`, or of `optimize` with an engine, or an `Ensemble`; it is left as it was.
        images: a path of an image, of a folder of images or of a table (.csv, .tsv, .jsonl) with the column `image`; a
            list of images; a data set as `fit` takes it: a name, `"hf:user/name"`, a `Dataset`, splits by name.
        out: of one image, a file (.png, .tif, .npy, .zarr) or an existing folder; else a folder.
        options: None: the defaults.
        object_files: tables, outlines and pictures of the objects, which are written at the end; None: label images
            alone.
        workers: processes, which share the GPUs evenly; None: one a GPU, else one.
        ray: address of a Ray cluster whose machines share the file system, `"auto"` or `"local"`; None: this machine.
        on_result: called after each image.

    Returns:
        A result for each image, in the order in which they were finished. An image that cannot be predicted has the
        state `"failed"`; the others are predicted.

    Raises:
        DataError: there are no images; a result would replace an image; a process ended without an answer.
        OptionError: the options do not fit the network or the files, or the device does not exist.
        WriteError: a file of `object_files` cannot be written.
        MissingExtraError: a format needs a package that is not installed.
    """
    options = (options or PredictOptions()).for_network(model.config)
    left_out: list[str] = []
    jobs = find_jobs(images, out, options, on_left_out=left_out.append)
    for sentence in left_out:
        warnings.warn(sentence, DataWarning, stacklevel=2)
    files = object_files or ObjectFiles()
    config = network_of(model).config
    check_network(files, config, probabilities=options.probabilities)
    planned = plan_files(files, jobs, images, Path(out))
    results = []
    predictions = run_jobs(model, jobs, options, workers=workers, ray=ray)
    for result in with_object_files(predictions, planned, files, config):
        results.append(result)
        on_result(result)
    return results


def run_jobs(
    model: Network,
    jobs: Sequence[Job],
    options: PredictOptions,
    *,
    workers: int | None = None,
    ray: str | None = None,
    on_rows: OnRows = lambda *_: None,
) -> Iterator[FilePrediction]:
    """Predict each image; arguments and errors are those of `predict_files`.

    Args:
        model: the network.
        jobs: what to predict.
        options: how.
        workers: processes.
        ray: address of a cluster.
        on_rows: progress; called in a single process alone.
    """
    endings = {options.suffix if options.per_class else written_ending(job.target) for job in jobs}
    options.check_fits(network_of(model).config, endings)
    if options.uncertainty:
        check_uncertainty(options.uncertainty, model, options.mirrors)
    if options.device:
        check_device(options.device)
    model = by_engine(model, options)  # once, for all processes
    with_files = not any(isinstance(job.image, SourceImage) for job in jobs)
    if not with_files and (ray is not None or workers not in (None, 1)):
        raise OptionError("images of a data set without files are predicted in one process: leave workers and ray out")
    for folder in {job.target.parent for job in jobs}:
        make_folder(folder)
    if ray is not None:
        yield from run_on_ray(model, jobs, options, address=ray)
        return
    processes = min(len(jobs), _gpus(options) if workers is None else check_count("workers", workers))
    if processes > 1 and with_files:
        yield from _in_processes(model, jobs, options, processes)
        return
    predictor = FilePredictor(model, options)
    for job in jobs:
        yield attempt(predictor, job, on_rows)


def _gpus(options: PredictOptions) -> int:
    return 1 if options.device else max(1, torch.cuda.device_count())


_predictor: FilePredictor | None = None  # of a worker process


def _in_processes(
    model: Network, jobs: Sequence[Job], options: PredictOptions, workers: int
) -> Iterator[FilePrediction]:
    context = multiprocessing.get_context("spawn")
    devices: Queue[str | None] = context.Queue()
    gpus = 0 if options.device else torch.cuda.device_count()
    for number in range(workers):
        devices.put(f"cuda:{number % gpus}" if gpus else options.device)
    threads = max(1, torch.get_num_threads() // workers)
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(model.cpu(), options, devices, threads))
    others = set(multiprocessing.active_children())
    with ignore_sigint_in_children():
        waiting = [pool.submit(_do, job) for job in jobs]
    try:
        for future in as_completed(waiting):
            yield future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process ended without an answer, perhaps out of memory; the same command continues with the rest"
        ) from error
    except BaseException:  # such as Ctrl-C; the same command continues from there
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(model: Network, options: PredictOptions, devices: "Queue[str | None]", threads: int) -> None:
    global _predictor
    end_with_parent()
    torch.set_num_threads(threads)
    _predictor = FilePredictor(model, replace(options, device=devices.get()))


def _do(job: Job) -> FilePrediction:
    assert _predictor is not None  # noqa: S101 - `_begin` ran first
    return attempt(_predictor, job)
