"""Predict many files over a Ray cluster, whose machines share the file system."""

import logging
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from unetzoo._utils.extras import need
from unetzoo.errors import MissingExtraError, OptionError, describe_error
from unetzoo.inference.files.jobs import Job
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePrediction, FilePredictor, attempt
from unetzoo.nn.segmenter import Segmenter

_RETRIES = 3  # of a job whose worker dies
_SECONDS = 10.0  # to wait for an answer


def run_on_ray(
    model: Segmenter, jobs: Sequence[Job], options: PredictOptions, *, address: str
) -> Iterator[FilePrediction]:
    """Predict each image by a task of Ray, which runs it again elsewhere when its worker or machine dies.

    A task takes a CPU, and a GPU where the cluster has some. What it writes appears whole or not at all.

    Args:
        model: of `create`, `load` or `pull`; goes to each worker once.
        jobs: whose images are files.
        options: how.
        address: of the cluster, `"auto"` for one that runs on this machine, `"local"` for one of its own.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: no cluster is there.
    """
    need("ray", "predicting over a cluster", "ray")
    import ray

    _check_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise OptionError(f"there is no Ray cluster at {address!r}: {describe_error(error)}") from error
    try:
        gpus = 1 if ray.cluster_resources().get("GPU") else 0  # type: ignore[no-untyped-call] # Ray's own lack of types
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_RETRIES)(_do)
        shared = ray.put((model.cpu(), options))
        waiting = [task.remote([shared], job) for job in jobs]
        while waiting:
            (done, *_), waiting = ray.wait(waiting)
            yield ray.get(done)
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise OptionError where nobody listens at HOST:PORT; Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except OSError as error:
        raise OptionError(f"there is no Ray cluster at {address!r}: {error.strerror or error}") from error


_predictors: dict[Any, FilePredictor] = {}  # of a worker, by the reference to what it was made of


def _do(shared: list[Any], job: Job) -> FilePrediction:
    """Do a job in a worker, which makes the predictor at its first one."""
    import ray

    (reference,) = shared  # in a list, Ray hands over the reference, not what it refers to
    if reference not in _predictors:
        _predictors.clear()
        model, options = ray.get(reference)
        _predictors[reference] = FilePredictor(model, options)
    try:
        return attempt(_predictors[reference], job)
    except MissingExtraError as error:  # which another machine may have
        return FilePrediction(str(job.image), job.target, "failed", str(error))
