"""nnU-Net, trained by its own code in an environment of its own."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tissue.contestants import BATCHES, CROPS, NNUNET, WIDTHS
from benchmarks.tissue.data import SPACING, Part, Volume, parts
from benchmarks.tissue.runs import TissueRun, measure_own, outcome
from unetzoo.data.datasets.brain_tissue import CLASSES

WORKER = Path(__file__).with_name("train_nnunet.py")
"""A program: `PYTHON FILE TASK RESULT SUMMARY`, see `make_task`."""

Task = Mapping[str, NDArray[Any]]


def measure_run(run: TissueRun, *, interpreter: str) -> dict[str, Any]:
    """Train and predict with this project or with nnU-Net, whose environment has that interpreter."""
    return measure_nnunet(run, interpreter) if run.contestant in NNUNET else measure_own(run)


def measure_nnunet(run: TissueRun, interpreter: str) -> dict[str, Any]:
    """Train nnU-Net, and predict the parts of the head that were held out.

    Args:
        run: its contestant is in `NNUNET`.
        interpreter: Python of an environment that has nnunetv2.

    Raises:
        RuntimeError: its program fails; with the end of what it printed.
    """
    volumes = parts()
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        task, result, summary = (Path(folder, name) for name in ("task.npz", "result.npz", "summary.json"))
        np.savez(task, **make_task(volumes, run))
        command = [interpreter, str(WORKER), str(task), str(result), str(summary)]
        done = subprocess.run(  # noqa: S603 - the caller's own
            command, capture_output=True, text=True, check=False, env=environment(folder)
        )
        if done.returncode:
            raise RuntimeError(f"{WORKER.name} failed: {done.stderr[-2000:]}")
        read = np.load(result)
        predicted: dict[tuple[Part, bool], NDArray[np.integer]] = {
            ("val", False): read["val"],
            ("test", False): read["test"],
            ("test", True): read["test_mirrored"],
        }
        return {**json.loads(summary.read_text()), **outcome(run, volumes, predicted)}


def environment(folder: str) -> dict[str, str]:
    """That of its program, whose files all lie in a folder, and which starts few processes beside it."""
    places = {f"nnUNet_{name}": str(Path(folder, name)) for name in ("raw", "preprocessed", "results")}
    return {**os.environ, **places, "nnUNet_n_proc_DA": "1", "nnUNet_def_n_proc": "1", "nnUNet_compile": "0"}


def make_task(volumes: Mapping[Part, Volume], run: TissueRun) -> dict[str, Any]:
    """What its program needs.

    Args:
        volumes: the parts of the head.
        run: of nnU-Net.

    Returns:
        `train`, `val`, `test`: images (d, h, w); `train_classes`, `val_classes`; `class_names`; `spacing` in mm;
        `configuration`: nnU-Net's name; `crop`, `batch` and `widths` of its plan; `seconds`, `seed`.
    """
    axes = NNUNET[run.contestant]
    return {
        **{part: volume.image for part, volume in volumes.items()},
        **{f"{part}_classes": volumes[part].classes for part in ("train", "val")},
        "class_names": np.array(CLASSES),
        "spacing": np.array(SPACING),
        "configuration": np.array(run.contestant.split()[-1]),
        "crop": np.array(CROPS[axes]),
        "batch": np.array(BATCHES[axes]),
        "widths": np.array(WIDTHS[axes]),
        "seconds": np.array(run.seconds),
        "seed": np.array(run.seed),
    }
