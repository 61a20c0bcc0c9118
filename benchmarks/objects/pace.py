"""Seconds a step of each network takes while the machine does nothing else; its codings and seeds get equal steps."""

import json
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.objects.runs import DATA, ObjectRun, fitted
from benchmarks.steps import step_seconds
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import opened
from unetzoo.bench.store import write_json

_STEPS = 16  # of a training that is timed while it begins


def measure_paces(runs: Iterable[ObjectRun], path: Path) -> Mapping[str, float]:
    """Seconds of the processor of a step of each network, by its name.

    Args:
        runs: a trial each, of this project's networks. The pace of a network is the median over those of its codings,
            whose own steps take equally long within what a machine disturbs.
        path: of the file that has those that are measured already, and gets the others.
    """
    known = json.loads(path.read_text(encoding="utf-8"))["seconds a step"] if path.exists() else {}
    trials: dict[str, list[float]] = {}
    for run in (one for one in runs if one.network not in known):
        seconds = step_seconds(partial(fitted, run, opened(DATA), _STEPS))
        trials.setdefault(run.network, []).append(seconds)
        print(f"{run.name}: {trials[run.network][-1]:.2f} s a step", flush=True)
    paces = {**known, **{network: median(seconds) for network, seconds in trials.items()}}
    if trials:
        facts = {"machine": machine(), "date": time.strftime("%Y-%m-%d")}
        write_json({**facts, "seconds a step": paces}, path)
    return paces
