"""Time a case: one process an allocator, and a call of every contender of each in turn, round after round."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

from unetzoo.bench.case import RATE, Case
from unetzoo.bench.machine import machine
from unetzoo.errors import UnetzooError

ALLOCATORS = {
    "A": {},
    "B": {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)},
}
"""glibc's settings: A its defaults, B keeps freed memory for the process instead of returning it to the system."""


class BenchmarkError(UnetzooError):
    """A process of the benchmark ended before its answer."""


def run_case(
    case: Case, on_round: Callable[[], None] = lambda: None, *, worker: str = "unetzoo.bench.worker"
) -> dict[str, Any]:
    """Time a case.

    Args:
        case: what to time.
        on_round: called after each round.
        worker: module that is run in each process; it calls `unetzoo.bench.worker.main` with its contenders.

    Returns:
        Plain data: the case, the machine, the multiply-adds of the network, and for each allocator the worker's report
        with the seconds of each call of each contender.

    Raises:
        BenchmarkError: a process of the benchmark failed, for example for lack of memory.
    """
    allocators = ["A"] if case.device == "cuda" or platform.libc_ver()[0] != "glibc" else list(ALLOCATORS)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_started(worker, case, ALLOCATORS[name])) for name in allocators}
        results = {name: {**process.read(), "seconds": {}, "rate": []} for name, process in workers.items()}
        for _ in range(case.rounds):
            for name, process in workers.items():
                _round(process, results[name])
            on_round()
    (multiply_adds, *_) = [report.pop("multiply_adds") for report in results.values()]
    return {"case": case.to_dict(), "machine": machine(), "multiply_adds": multiply_adds, "allocators": results}


def _round(process: "_Process", result: dict[str, Any]) -> None:
    result["rate"].append(process.ask(RATE))
    for name in result["names"]:
        result["seconds"].setdefault(name, []).append(process.ask(name))


@dataclass
class _Process:
    """A worker, seen from here."""

    process: "subprocess.Popen[str]"
    errors: IO[str]

    def read(self) -> Any:  # noqa: ANN401 - JSON
        """The next answer."""
        assert self.process.stdout is not None  # noqa: S101 - it was started with a pipe
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()  # all of its errors are written then
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines() or ["no message"])[-1]
            raise BenchmarkError(f"a process of the benchmark ended with exit code {code}: {last}")
        return json.loads(line)

    def ask(self, name: str) -> float:
        """The time of one call in seconds, or the rate."""
        assert self.process.stdin is not None  # noqa: S101 - as above
        print(json.dumps(name), file=self.process.stdin, flush=True)
        answer: float = self.read()
        return answer


@contextmanager
def _started(worker: str, case: Case, environment: dict[str, str]) -> Iterator[_Process]:
    """Start a worker; it ends with this context."""
    with TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", worker, json.dumps(case.to_dict())],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield _Process(process, errors)
        finally:
            process.kill()
            process.communicate()
