"""What starting costs: an import, the command line, a new network."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from unetzoo.benchmark.case import ENCODERS

_PROCESSES: dict[str, Sequence[str]] = {
    "python": ("-c", "pass"),
    "import unetzoo": ("-c", "import unetzoo"),
    "import segmentation_models_pytorch": ("-c", "import segmentation_models_pytorch"),
    "unetzoo --help": ("-m", "unetzoo", "--help"),
    "unetzoo list decoders": ("-m", "unetzoo", "list", "decoders"),
}


def measure_startup(rounds: int, encoders: Sequence[str] = ENCODERS) -> dict[str, Any]:
    """Seconds of whole processes, and of making each encoder by timm alone and within a U-Net, in turn."""
    processes = {name: partial(_run, arguments) for name, arguments in _PROCESSES.items()}
    return {"processes": _in_turn(processes, rounds), "create": {name: _creation(name, rounds) for name in encoders}}


def _run(arguments: Sequence[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments


def _creation(encoder: str, rounds: int) -> dict[str, list[float]]:
    import timm

    from unetzoo.assembly import create

    ways: dict[str, Callable[[], object]] = {
        "timm.create_model": lambda: timm.create_model(encoder),
        "unetzoo.create": lambda: create("unet", encoder=encoder),
    }
    for make in ways.values():
        make()
    return _in_turn(ways, rounds)


def _in_turn(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return seconds
