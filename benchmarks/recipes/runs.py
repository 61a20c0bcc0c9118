"""One training by a recipe, by the commands that users run."""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.objects.runs import cpu_seconds
from benchmarks.recipes.data import MEASURED, write_data
from unetzoo.bench.grid import file_name
from unetzoo.bench.machine import machine
from unetzoo.catalog import list_datasets
from unetzoo.cli import app
from unetzoo.data.dataset import Dataset
from unetzoo.inference.objects import predict_objects
from unetzoo.inference.predict import predict
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.recipe import Recipe
from unetzoo.training.recipe_file import RECEIPT, read_tables
from unetzoo.weights.folder import load

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class RecipeRun:
    """A training by a recipe.

    Attributes:
        recipe: its name.
        tables: network and options of the training, as its file has them.
        seed: of the training.
    """

    recipe: str
    tables: Mapping[str, Any]
    seed: int

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.recipe}, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """Of its result; another one if the recipe changes."""
        return file_name(f"{self.recipe}-{self.seed}", asdict(self))


def run_of(recipe: str, seed: int) -> RecipeRun:
    """The run of a recipe as its file is now."""
    tables = {name: table for name, table in read_tables(recipe).items() if name != RECEIPT}
    return RecipeRun(recipe=recipe, tables=tables, seed=seed)


def measure_run(run: RecipeRun) -> dict[str, Any]:
    """Train by the recipe and evaluate the network, each by its command."""
    measured = MEASURED[run.recipe]
    with TemporaryDirectory(prefix="unetzoo-") as name:
        folder = Path(name)
        if measured.source not in list_datasets():
            write_data(run.recipe, folder / measured.source)
        train = command(run)
        seconds = _run(train, folder)
        _run(["unetzoo", "evaluate", "run", measured.source, "--json", "scores.json"], folder)
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        own = Recipe.load(folder / "run")
        model = load(folder / "run" / "best")
    return {
        "combination": asdict(run),
        "command": " ".join(train),
        "machine": machine(),
        "versions": dict(own.versions),
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d"),
        "CPU seconds": seconds,
        "score": measured.read(scores),
        "parameters": sum(each.numel() for each in model.parameters()),
        "prediction seconds": _prediction_seconds(model, measured.dataset("test")),
    }


def command(run: RecipeRun) -> list[str]:
    """The line that trains, in the folder of the data."""
    measured = MEASURED[run.recipe]
    classes = ["--classes", measured.classes] if measured.classes else []
    seed = ["--seed", str(run.seed)]
    return ["unetzoo", "train", measured.source, "--recipe", run.recipe, *classes, *seed, "--out", "run"]


def _run(line: Sequence[str], folder: Path) -> float:
    """Run a command in this process; its CPU seconds, or RuntimeError with what it printed if it fails."""
    start, printed = time.process_time(), StringIO()
    with chdir(folder), redirect_stdout(printed), redirect_stderr(printed):
        status = app(line[1:], prog_name=line[0], standalone_mode=False)
    if status:
        raise RuntimeError(f"{' '.join(line)} failed: {printed.getvalue()[-2000:]}")
    return time.process_time() - start


def _prediction_seconds(model: Segmenter, dataset: Dataset) -> float:
    """Seconds of the processor in which the network predicts a million pixels or voxels, objects included."""
    predict_one = predict_objects if model.config.objects else predict
    images = [dataset[index].image for index in range(len(dataset))]
    pixels = sum(prod(image.shape[:-1]) for image in images)
    return cpu_seconds(lambda: [predict_one(model, image) for image in images]) / pixels * 1e6


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - git is wherever the machine has it
    return done.stdout.strip()
