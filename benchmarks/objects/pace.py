"""Seconds a step of each network takes while the machine does nothing else; its codings and seeds get equal steps."""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.objects.runs import DATA, ObjectRun, fitted
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import opened
from unetzoo.bench.store import write_json
from unetzoo.data.survey.survey import Survey
from unetzoo.training.progress import FitListener

_STEPS = 8  # of a trial, of which the later half is timed


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
        trials.setdefault(run.network, []).append(_step_seconds(run, opened(DATA)))
        print(f"{run.name}: {trials[run.network][-1]:.2f} s a step", flush=True)
    paces = {**known, **{network: median(seconds) for network, seconds in trials.items()}}
    if trials:
        facts = {"machine": machine(), "date": time.strftime("%Y-%m-%d")}
        write_json({**facts, "seconds a step": paces}, path)
    return paces


def _step_seconds(run: ObjectRun, data: Survey) -> float:
    """Of a training that ends after a few steps, without validation."""
    times: list[float] = []

    def stop_early(*_: object) -> None:
        times.append(time.process_time())
        if len(times) == _STEPS:
            raise _TimedError

    with suppress(_TimedError):
        fitted(run, data, 2 * _STEPS, FitListener(on_step=stop_early))
    late = times[_STEPS // 2 - 1 :]
    return median(after - before for before, after in pairwise(late))


class _TimedError(Exception):
    """Enough steps are timed."""
