"""Measure what a folder lacks: one file a run, written when it is done; a failure is a result, too."""

import json
import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from unetzoo._utils.extras import need
from unetzoo._utils.workers import end_with_parent
from unetzoo.bench.grid import Combination
from unetzoo.bench.store import write_json
from unetzoo.errors import OptionError, UnetzooError, describe_error

Result = dict[str, Any]
_NAMED = {one.name for one in fields(Combination) if one.default is one.default_factory is MISSING}


class Run(Protocol):
    """What is measured: a dataclass such as `Combination`, whose fields its result holds as "combination"."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def title(self) -> str:
        """For people."""

    @property
    def file_name(self) -> str:
        """Of its result."""


AnyRun = TypeVar("AnyRun", bound=Run)


def measure_combination(one: Any) -> Result:  # noqa: ANN401 - a `Combination`
    """As `unetzoo.bench.measure.measure`, which loads torch only when it is called."""
    from unetzoo.bench.measure import measure

    return measure(one)


def missing(runs: Sequence[AnyRun], folder: Path) -> list[AnyRun]:
    """Those that have no result without an error in a folder."""
    return [one for one in runs if "error" in (load(folder / one.file_name) or {"error": ""})]


def load(path: Path) -> Result | None:
    """A result; None where there is none that can be read."""
    try:
        found: Result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "combination" in found else None


def load_all(folder: Path) -> list[Result]:
    """All results of combinations in a folder; those of other runs, and other files, are left out."""
    found = (load(path) for path in sorted(folder.glob("*.json")))
    return [one for one in found if one and set(one["combination"]) >= _NAMED and ("error" in one or "speed" in one)]


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
        workers: processes at once; for honest latencies one.
        measure: a function of a module, what it raises is a result, too.
    """
    threads = ThreadPoolExecutor(workers)
    try:
        waiting = {threads.submit(_in_process, one, folder, measure): one for one in runs}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:  # whatever stops it here, those that have not begun never do
        threads.shutdown(cancel_futures=True)


def _in_process(one: AnyRun, folder: Path, measure: Callable[[AnyRun], Result]) -> Result:
    """Write what a new process finds; that it was killed, where it was."""
    return _written(one, _found_in_process(one, measure), folder)


def _found_in_process(one: AnyRun, measure: Callable[[AnyRun], Result]) -> Result:
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with_parent) as process:
            return process.submit(attempt, one, measure).result()
    except BrokenProcessPool:
        return _failure(one, "its process ended without an answer, perhaps for want of memory")


def run_on_ray(runs: Sequence[AnyRun], folder: Path, *, address: str) -> Iterator[tuple[AnyRun, Result]]:
    """Measure combinations by tasks of Ray, one a CPU or GPU at a time, and write each result here as it comes.

    Args:
        runs: what to measure; data sets must be there on all machines.
        folder: of the results, on this machine.
        address: of the cluster; `"auto"`, or `"local"` for one of its own.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: no cluster is there.
    """
    need("ray", "a grid over a cluster", "ray")
    import ray
    from ray.exceptions import RayError

    try:
        ray.init(address=address, log_to_driver=False, logging_level=40)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise OptionError(f"there is no Ray cluster at {address!r}: {describe_error(error)}") from error
    try:
        gpus = 1 if ray.cluster_resources().get("GPU") else 0  # type: ignore[no-untyped-call] # Ray's own lack of types
        task: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_calls=1)(attempt)
        waiting = {task.remote(one): one for one in runs}
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
