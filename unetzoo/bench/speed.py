"""Time a case: one process an allocator, and a call of every contender of each in turn, round after round."""

import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from unetzoo.bench.case import RATE, Case
from unetzoo.bench.contenders import OWN, Contenders
from unetzoo.bench.machine import machine
from unetzoo.bench.worker import Failure, serve
from unetzoo.errors import UnetzooError

ALLOCATORS = {
    "A": {},
    "B": {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)},
}
"""glibc's settings: A its defaults, B keeps freed memory for the process instead of returning it to the system."""

_Ask = Callable[..., Any]


class BenchmarkError(UnetzooError):
    """A process of the benchmark ended before its answer."""


def run_case(
    case: Case,
    on_round: Callable[[], None] = lambda: None,
    *,
    contenders: Contenders = OWN,
    allocators: Sequence[str] = (),
) -> dict[str, Any]:
    """Time a case.

    Args:
        case: what to time.
        on_round: called after each round.
        contenders: what is compared, in each process.
        allocators: names in `ALLOCATORS`; empty: all. On a GPU, and where the C library is not glibc, `"A"` alone.

    Returns:
        Plain data: the case, the machine, the multiply-adds of the network, and for each allocator the worker's report
        with the seconds of each call of each contender.

    Raises:
        BenchmarkError: a process of the benchmark failed, for example because memory ran out.
    """
    allocators = allocators or list(ALLOCATORS)
    if case.device == "cuda" or platform.libc_ver()[0] != "glibc":
        allocators = ["A"]
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_worker(case, contenders, ALLOCATORS[name])) for name in allocators}
        results = {name: {**ask(), "seconds": {}, "rate": []} for name, ask in workers.items()}
        for _ in range(case.rounds):
            for name, ask in workers.items():
                _round(ask, results[name])
            on_round()
    (multiply_adds, *_) = [report.pop("multiply_adds") for report in results.values()]
    return {"case": case.to_dict(), "machine": machine(), "multiply_adds": multiply_adds, "allocators": results}


def _round(ask: _Ask, result: dict[str, Any]) -> None:
    result["rate"].append(ask(RATE))
    for name in result["names"]:
        result["seconds"].setdefault(name, []).append(ask(name))


@contextmanager
def _worker(case: Case, contenders: Contenders, variables: Mapping[str, str]) -> Iterator[_Ask]:
    """A process that ends with this context; yields what sends it a name, or nothing, and returns its next answer."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, case, contenders), daemon=True)
    with _environment(variables):
        process.start()
    there.close()

    def ask(*names: str) -> Any:  # noqa: ANN401 - the report, or a number
        try:
            for name in names:
                here.send(name)
            answer = here.recv()
        except (EOFError, OSError):
            answer = Failure("its memory may have run out")
        if isinstance(answer, Failure):
            process.join()
            raise BenchmarkError(f"a process of the benchmark ended with exit code {process.exitcode}: {answer.reason}")
        return answer

    try:
        yield ask
    finally:
        process.kill()
        process.join()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for processes that start in this context."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
