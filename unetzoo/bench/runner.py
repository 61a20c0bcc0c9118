"""Train and measure the runs of a grid: a file each, written when the run is done; a failure is a result, too."""

import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unetzoo._utils.cluster import run_tasks
from unetzoo._utils.workers import end_with_parent
from unetzoo.bench.store import AnyRun, Result, Run, write_json
from unetzoo.errors import UnetzooError, describe_error


def measure_combination(one: Any) -> Result:  # noqa: ANN401 - a `Combination`
    """As `unetzoo.bench.measure.measure`, which loads torch only when it is called."""
    from unetzoo.bench.measure import measure

    return measure(one)


def run_in_processes(
    runs: Sequence[AnyRun],
    folder: Path,
    *,
    workers: int,
    measure: Callable[[AnyRun], Result] = measure_combination,
) -> Iterator[tuple[AnyRun, Result]]:
    """Measure each run in a process of its own, and write each result as it comes.

    Args:
        runs: what to measure.
        folder: of the results.
        workers: processes at once; latencies are exact with one alone.
        measure: a function of a module; what it raises is a result, too.
    """
    threads = ThreadPoolExecutor(workers)
    try:
        waiting = {threads.submit(_in_process, one, folder, measure): one for one in runs}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:  # whatever stops the caller, runs that have not begun never do
        threads.shutdown(cancel_futures=True)


def _in_process(one: AnyRun, folder: Path, measure: Callable[[AnyRun], Result]) -> Result:
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with_parent) as process:
            result = process.submit(attempt, one, measure).result()
    except BrokenProcessPool:
        result = _failure(one, "its process ended without an answer, perhaps because memory ran out")
    return _written(one, result, folder)


def run_on_ray(runs: Sequence[AnyRun], folder: Path, *, address: str) -> Iterator[tuple[AnyRun, Result]]:
    """Measure combinations by tasks of Ray, one a CPU or GPU at a time, and write each result here as it comes.

    Args:
        runs: what to measure; data sets must be there on all machines.
        folder: of the results, on this machine.
        address: as `run_tasks` takes it.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: there is no cluster at the address.
    """
    for done in run_tasks(_attempt, runs, address=address, purpose="a grid over a cluster", new_process=True):
        yield done.item, _written(done.item, done.result or _failure(done.item, done.error), folder)


def _attempt(_: object, one: Run) -> Result:
    return attempt(one)


def attempt(one: AnyRun, measure: Callable[[AnyRun], Result] = measure_combination) -> Result:
    """Measure a run; whatever goes wrong is its result."""
    from unetzoo._utils.memory import keep_freed_memory

    keep_freed_memory()
    try:
        return measure(one)
    except UnetzooError as error:
        return _failure(one, str(error))
    except (Exception, SystemExit) as error:  # a plugin may raise anything; the grid goes on
        return {**_failure(one, describe_error(error)), "traceback": traceback.format_exc()}


def _failure(one: Run, error: str) -> Result:
    return {"combination": asdict(one), "error": error}


def _written(one: Run, result: Result, folder: Path) -> Result:
    write_json(result, folder / one.file_name)
    return result
