"""Predict many files over a Ray cluster, whose machines share the file system."""

from collections.abc import Iterator, Sequence
from typing import Any

from unetzoo._utils.cluster import run_tasks
from unetzoo.errors import MissingExtraError
from unetzoo.inference.files.jobs import Job
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePrediction, FilePredictor, attempt
from unetzoo.inference.forward import Network


def run_on_ray(
    model: Network, jobs: Sequence[Job], options: PredictOptions, *, address: str
) -> Iterator[FilePrediction]:
    """Predict each image by a task of Ray, see `run_tasks`; a file appears whole or not at all.

    Args:
        model: as `predict_files` takes it; goes to each machine once.
        jobs: whose images are files.
        options: how.
        address: of the cluster, `"auto"` for one that runs on this machine, `"local"` for a new one.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: there is no cluster at the address.
    """
    shared = (model.cpu(), options)
    for done in run_tasks(_do, jobs, address=address, purpose="predicting over a cluster", shared=shared):
        yield done.result or _failed(done.item, done.error)


_predictors: dict[Any, FilePredictor] = {}  # of a worker, by the reference to what it was made of


def _do(shared: list[Any], job: Job) -> FilePrediction:
    """Do a job in a worker, which makes the predictor at its first job."""
    import ray

    (reference,) = shared  # in a list, Ray hands over the reference, not what it refers to
    if reference not in _predictors:
        _predictors.clear()
        model, options = ray.get(reference)
        _predictors[reference] = FilePredictor(model, options)
    try:
        return attempt(_predictors[reference], job)
    except MissingExtraError as error:  # another machine may have the extra
        return _failed(job, str(error))


def _failed(job: Job, reason: str) -> FilePrediction:
    return FilePrediction(str(job.image), job.target, "failed", reason)
