"""What several trainings by a recipe come to, and its place in the recipe's file."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import tomlkit

from benchmarks.recipes.data import MEASURED
from unetzoo._utils.atomic import write_text
from unetzoo._utils.texts import count_of
from unetzoo.bench.summary import half_interval
from unetzoo.training.receipt import Receipt
from unetzoo.training.recipe_file import RECEIPT

_DIGITS = 4  # of a score


def receipt_of(name: str, runs: Sequence[Mapping[str, Any]]) -> Receipt:
    """The receipt of a recipe.

    Args:
        name: of the recipe.
        runs: results of `measure_run`, two or more, in the order of their seeds.
    """
    last, measured = runs[-1], MEASURED[name]
    here = last["machine"]
    values = [round(run["score"], _DIGITS) for run in runs]
    return Receipt(
        command=runs[0]["command"],
        data=measured.words,
        score=measured.score,
        seeds=[run["combination"]["seed"] for run in runs],
        values=values,
        mean=round(fmean(values), _DIGITS),
        interval=round(half_interval(values) or 0.0, _DIGITS),
        cpu_seconds=round(fmean(run["CPU seconds"] for run in runs), 1),
        machine=", ".join([here["processor"], here["instructions"], count_of(here["threads"], "thread")]),
        versions=last["versions"],
        commit=last["commit"],
        date=last["date"],
        license=measured.license,
        parameters=last["parameters"],
        prediction_seconds=round(fmean(run["prediction seconds"] for run in runs), 2),
    )


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write a receipt into the file of its recipe, whose other lines stay as they are."""
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    document.pop(RECEIPT, None)
    document[RECEIPT] = asdict(receipt)
    write_text(path, tomlkit.dumps(document))
