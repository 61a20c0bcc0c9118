"""Time an import, the command line and a new network, also with 200 plugins: `python -m benchmarks.startup`."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.page.readme import RESULTS, write_pages
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json

ENCODERS = ("resnet18", "resnet34", "efficientnet_b0", "convnext_tiny")
_CROWD = 200  # plugins
_ROUNDS = 15
_MODULE = """import unetzoo

UNETZOO_HOOKS = 1


@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="crowd_{number}", build=unetzoo.lazy("crowd_{number}.decoder:Decoder"))
"""
_READ_ENTRY_POINTS = """
import unetzoo
from importlib.metadata import entry_points
for point in entry_points(group="unetzoo"):
    point.dist.name, point.dist.version, point.load()
"""
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
    "finding and importing entry points": ("-c", _READ_ENTRY_POINTS),
}


def measure_startup(rounds: int = _ROUNDS, encoders: Sequence[str] = ENCODERS) -> dict[str, Any]:
    """Seconds of whole processes, and of making each encoder by timm alone and within a U-Net, in turn."""
    with TemporaryDirectory() as folder:
        _install_crowd(Path(folder), _CROWD)
        alone = {name: partial(_run, arguments, "") for name, arguments in _PROCESSES.items()}
        crowded = {f"{name}, {_CROWD} plugins": partial(_run, case, folder) for name, case in _WITH_CROWD.items()}
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


def _install_crowd(folder: Path, plugins: int) -> None:
    """Write that many distributions of one plugin each, as an installer leaves them."""
    for number in range(plugins):
        info = folder / f"unetzoo_crowd_{number}-1.0.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: unetzoo-crowd-{number}\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[unetzoo]\ncrowd = crowd_{number}\n", encoding="utf-8")
        (folder / f"crowd_{number}.py").write_text(_MODULE.format(number=number), encoding="utf-8")


def main() -> None:
    """Measure, then write README.md."""
    write_json({"machine": machine(), **measure_startup()}, RESULTS / "startup.json")
    write_pages()


if __name__ == "__main__":
    main()
