"""StarDist and Cellpose, each trained by its own code in an environment of its own."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.objects.runs import DATA, OPTIONS, ObjectRun, measure_coding, origin, scores, whole_image
from unetzoo.bench.measure import opened
from unetzoo.data.survey.survey import Survey
from unetzoo.inference.normalize import Normalize
from unetzoo.nn.coding import UNKNOWN
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset

if TYPE_CHECKING:
    from unetzoo.data.dataset import Dataset
    from unetzoo.training.target import ObjectTarget

WORKERS = {"StarDist": "train_stardist.py", "Cellpose": "train_cellpose.py"}
"""Programs beside this file: `PYTHON FILE TASK RESULT SUMMARY`, see `write_task`."""
_CROPS, _VALIDATION_CROPS = 500, 8

Task = Mapping[str, NDArray[Any]]


def measure_run(run: ObjectRun, *, interpreters: Mapping[str, str], paces: Mapping[str, float]) -> dict[str, Any]:
    """Train and predict with this project or a peer.

    Args:
        run: what to measure.
        interpreters: of each peer the Python of an environment that has it.
        paces: of each network of this project the seconds of a step, by its name.
    """
    if run.method in WORKERS:
        return measure_peer(run, interpreters[run.method])
    return measure_coding(run, paces[run.network])


def measure_peer(run: ObjectRun, interpreter: str) -> dict[str, Any]:
    """Train a peer, and predict the image that was held out.

    Args:
        run: its method is in `WORKERS`.
        interpreter: Python of the environment that has the peer.

    Raises:
        RuntimeError: its program fails; with the end of what it printed.
    """
    data = opened(DATA)
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        task, result, summary = (Path(folder, name) for name in ("task.npz", "result.npz", "summary.json"))
        np.savez(task, **cast("Any", make_task(data, run)))
        worker = Path(__file__).with_name(WORKERS[run.method])
        command = [interpreter, str(worker), str(task), str(result), str(summary)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the caller's own
        if done.returncode:
            raise RuntimeError(f"{worker.name} failed: {done.stderr[-2000:]}")
        predicted = [np.load(result)["test"]]
        return {**origin(run), **json.loads(summary.read_text()), **scores(predicted, data.dataset("test"))}


def make_task(data: Survey, run: ObjectRun, *, crops: int = _CROPS) -> Task:
    """What a peer needs, all images normalized as this project's.

    Args:
        data: the nuclei.
        run: of the peer.
        crops: number of crops to train on.

    Returns:
        `crops`, `crop_ids`: (n, side, side) images and ids of objects, cut and changed as this project's with that
        seed; `val_crops`, `val_ids`: those of the validation image, not changed; `test`: the image (h, w) to predict;
        `whole`: one to be timed on; `seconds`, `seed`, `batch`.
    """
    images, crop_ids = _stacked(_crops(data, "train", run.seed, crops, OPTIONS.augment))
    val_crops, val_ids = _stacked(_crops(data, "val", 0, _VALIDATION_CROPS, "none"))
    return {
        "crops": images,
        "crop_ids": crop_ids,
        "val_crops": val_crops,
        "val_ids": val_ids,
        "test": _normalized(data, data.dataset("test")[0].image),
        "whole": _normalized(data, whole_image(data)),
        "seconds": np.array(run.seconds),
        "seed": np.array(run.seed),
        "batch": np.array(OPTIONS.batch),
    }


def _crops(data: Survey, split: str, seed: int, count: int, augment: Any) -> CropDataset:  # noqa: ANN401 - a Literal
    samples: Dataset = data.dataset(cast("Any", split))
    return CropDataset(
        samples,
        data.statistics.info,
        count=count,
        crop=cast("int", OPTIONS.crop),
        balance=OPTIONS.balance,
        augmentation=Augmentation.of(replace(OPTIONS, augment=augment), cast("int", OPTIONS.crop)),
        seed=seed,
        target=cast("ObjectTarget", _known_ids),
        pixels=data.statistics.pixels,
    )


def _known_ids(mask: Tensor, ids: Tensor) -> Tensor:
    return torch.where(mask == UNKNOWN, 0, ids)


def _stacked(crops: CropDataset) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    each = [crops[index] for index in range(len(crops))]
    return np.stack([one.image[0].numpy() for one in each]), np.stack(
        [one.mask.numpy().astype(np.int32) for one in each]
    )


def _normalized(data: Survey, image: NDArray[Any]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = Normalize(data.statistics.info)(image)[0]
    return values
