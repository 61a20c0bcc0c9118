"""Run a case: one process an allocator, and a call of every contender of each in turn, round after round."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from unetzoo.bench.case import Case
from unetzoo.errors import UnetzooError

ALLOCATORS = {
    "A": {},
    "B": {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)},
}
"""glibc's settings: A as it comes, B keeps freed memory for the process instead of returning it to the system."""

_PACKAGES = ("unetzoo", "torch", "timm", "segmentation-models-pytorch", "monai")
_LARGER = 8  # times the image's sides, to count operations


class BenchmarkError(UnetzooError):
    """A process of the benchmark ended before its answer."""


def run_case(case: Case, on_round: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Measure a case.

    Args:
        case: what to measure.
        on_round: called after each round.

    Returns:
        Plain data: the case, the machine, and for each allocator, and contender, seconds of each call and the rest of
        what a worker reports.

    Raises:
        BenchmarkError: a process of the benchmark failed, for example for lack of memory.
    """
    allocators = ["A"] if case.device == "cuda" or platform.libc_ver()[0] != "glibc" else list(ALLOCATORS)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_started(case, ALLOCATORS[name])) for name in allocators}
        results = {name: {**worker.read(), "seconds": {}, "rate": []} for name, worker in workers.items()}
        for _ in range(case.rounds):
            for name, worker in workers.items():
                _round(worker, results[name])
            on_round()
    return {"case": case.to_dict(), "machine": machine(), "multiply_adds": multiply_adds(case), "allocators": results}


def multiply_adds(case: Case) -> int:
    """Those of this project's network for the images of a case, in convolutions and matrix products.

    Counted for an image that is so much larger that no map is too small for the transposed form, and scaled: that is
    how `optimize` computes maps of every size.
    """
    import torch

    from unetzoo.assembly import create
    from unetzoo.inspection.dissect import dissect

    with torch.device("meta"):
        model = create(case.decoder, encoder=case.encoder, head_kernel_size=3)
    larger = _LARGER * case.size
    return case.batch * dissect(model, (larger, larger)).total.multiply_adds // _LARGER**2


def machine() -> dict[str, Any]:
    """Where and with what the numbers were measured."""
    import torch

    return {
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "versions": dict(_installed()),
    }


def _installed() -> Iterator[tuple[str, str]]:
    """The packages that the numbers may depend on, those of them that are installed, with their versions."""
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            yield package, version(package)


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
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines() or ["no message"])[-1]
            raise BenchmarkError(f"a process of the benchmark ended with exit code {self.process.wait()}: {last}")
        return json.loads(line)

    def ask(self, name: str) -> float:
        """The time of one call, in seconds, or the rate."""
        assert self.process.stdin is not None  # noqa: S101 - as above
        print(json.dumps(name), file=self.process.stdin, flush=True)
        answer: float = self.read()
        return answer


@contextmanager
def _started(case: Case, environment: dict[str, str]) -> Iterator[_Process]:
    """Start a worker; it ends with this context."""
    command = [sys.executable, "-m", "unetzoo.bench.worker", json.dumps(case.to_dict())]
    with TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
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


def _round(worker: _Process, result: dict[str, Any]) -> None:
    result["rate"].append(worker.ask("rate"))
    for name in result["names"]:
        result["seconds"].setdefault(name, []).append(worker.ask(name))


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
