"""Measure what a grid lacks: one file a combination, written when it is done; a failure is a result, too."""

import json
import multiprocessing
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unetzoo.benchmark.store import write_json
from unetzoo.errors import MissingExtraError, OptionError, UnetzooError, describe_error
from unetzoo.leaderboard.grid import Combination

Result = dict[str, Any]


def missing(grid: Sequence[Combination], folder: Path) -> list[Combination]:
    """The combinations that have no result without an error in a folder."""
    return [one for one in grid if "error" in (load(folder / one.file_name) or {"error": ""})]


def load(path: Path) -> Result | None:
    """A result; None where there is none that can be read."""
    try:
        found: Result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if "combination" in found else None


def load_all(folder: Path) -> list[Result]:
    """All results in a folder."""
    return [found for path in sorted(folder.glob("*.json")) if (found := load(path))]


def run_in_processes(
    grid: Sequence[Combination], folder: Path, *, workers: int
) -> Iterator[tuple[Combination, Result]]:
    """Measure combinations, each in a process of its own, and write each result as it comes.

    Args:
        grid: what to measure.
        folder: of the results.
        workers: processes at once; for honest latencies one.
    """
    with ThreadPoolExecutor(workers) as threads:
        waiting = {threads.submit(_in_process, one): one for one in grid}
        for future in as_completed(waiting):
            yield waiting[future], _written(waiting[future], future.result(), folder)


def _in_process(one: Combination) -> Result:
    """What a new process finds; that it was killed, where it was."""
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(attempt, one).result()
    except BrokenProcessPool:
        return _failure(one, "its process ended without an answer, perhaps for want of memory")


def run_on_ray(grid: Sequence[Combination], folder: Path, *, address: str) -> Iterator[tuple[Combination, Result]]:
    """Measure combinations by tasks of Ray, one a CPU or GPU at a time, and write each result here as it comes.

    Args:
        grid: what to measure; data sets must be there on all machines.
        folder: of the results, on this machine.
        address: of the cluster; `"auto"`, or `"local"` for one of its own.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: no cluster is there.
    """
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise MissingExtraError("a grid over a cluster needs Ray: pip install 'unetzoo[ray]'") from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level=40)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise OptionError(f"there is no Ray cluster at {address!r}: {describe_error(error)}") from error
    try:
        gpus = 1 if ray.cluster_resources().get("GPU") else 0  # type: ignore[no-untyped-call] # Ray's own lack of types
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_calls=1)(attempt)
        waiting = {task.remote(one): one for one in grid}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting))
            one = waiting.pop(done)
            try:
                result = ray.get(done)
            except RayError as error:
                result = _failure(one, describe_error(error))
            yield one, _written(one, result, folder)
    finally:
        ray.shutdown()


def attempt(one: Combination) -> Result:
    """Measure a combination; whatever goes wrong is its result."""
    from unetzoo.leaderboard.measure import measure
    from unetzoo.memory import keep_freed_memory

    keep_freed_memory()
    try:
        return measure(one)
    except UnetzooError as error:
        return _failure(one, str(error))
    except Exception as error:  # a plugin may raise anything; the grid goes on
        return {**_failure(one, describe_error(error)), "traceback": traceback.format_exc()}


def _failure(one: Combination, error: str) -> Result:
    return {"combination": asdict(one), "error": error}


def _written(one: Combination, result: Result, folder: Path) -> Result:
    write_json(result, folder / one.file_name)
    return result
