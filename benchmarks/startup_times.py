"""What starting costs: an import, the command line, a new network."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.crowd import READ_ENTRY_POINTS, install_crowd
from unetzoo.bench.case import ENCODERS

_CROWD = 200
_PROCESSES: dict[str, Sequence[str]] = {
    "python": ("-c", "pass"),
    "import unetzoo": ("-c", "import unetzoo"),
    "import segmentation_models_pytorch": ("-c", "import segmentation_models_pytorch"),
    "unetzoo --help": ("-m", "unetzoo", "--help"),
    "unetzoo list decoders": ("-m", "unetzoo", "list", "decoders"),
}
_WITH_CROWD: dict[str, Sequence[str]] = {
    "import unetzoo": ("-c", "import unetzoo"),
    "unetzoo list decoders": ("-m", "unetzoo", "list", "decoders"),
    "finding and importing entry points": ("-c", READ_ENTRY_POINTS),
}


def measure_startup(rounds: int, encoders: Sequence[str] = ENCODERS) -> dict[str, Any]:
    """Seconds of whole processes, and of making each encoder by timm alone and within a U-Net, in turn."""
    with TemporaryDirectory() as folder:
        install_crowd(Path(folder), _CROWD)
        alone = {name: partial(_run, arguments, "") for name, arguments in _PROCESSES.items()}
        crowded = {f"{name}, {_CROWD} plugins": partial(_run, given, folder) for name, given in _WITH_CROWD.items()}
        processes = _in_turn(alone | crowded, rounds)
    return {"processes": processes, "create": {name: _creation(name, rounds) for name in encoders}}


def _run(arguments: Sequence[str], site: str) -> None:
    """Run Python, with the plugins of a folder and no others."""
    environment = {**os.environ, "PYTHONPATH": site}
    if not site:
        environment["UNETZOO_PLUGINS"] = ""
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)  # noqa: S603 - our own arguments


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
