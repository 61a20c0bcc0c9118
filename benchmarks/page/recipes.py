"""The recipes of unetzoo, and what each gives."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from benchmarks.page.machine import machine_line
from benchmarks.recipes.receipts import receipt_of

_EXPLANATION = """\
Made by `python -m benchmarks.recipes`: each recipe of `unetzoo recipes` trains by its own command, with random weights
at the start, and is judged by images that no training saw. Means over the seeds, {seeds} for each recipe, with 95 %
intervals of Student's t. The trainings are as short as this machine's budget; they show what the line gives, not what a
longer one would. The file of a recipe holds the same numbers, and a test compares them. `python -m benchmarks.recipes
--write NAME` writes the images and masks that do not come with unetzoo. CPU seconds are those of `unetzoo train`
without its imports, and of `unetzoo.predict` or `predict_objects` for a million pixels, or voxels, of the images to
test, on a machine that others used at the same time."""


def recipes_section(results: Mapping[str, Any]) -> list[str]:
    """Paragraphs and a table, a row for each recipe."""
    runs = results["runs"]
    rows = [
        "| recipe | data | score | CPU s | CPU s a million pixels | parameters | command |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for name, group in groupby(runs, key=lambda run: run["combination"]["recipe"]):
        receipt = receipt_of(name, list(group))
        numbers = f"{receipt.cpu_seconds:.0f} | {receipt.prediction_seconds:.2f} | {receipt.parameters:,}"
        rows.append(f"| {name} | {receipt.data} | {receipt.text} | {numbers} | `{receipt.command}` |")
    seeds = {run["combination"]["seed"] for run in runs}
    return [machine_line(runs[-1]["machine"]), _EXPLANATION.format(seeds=len(seeds)), "\n".join(rows)]
