"""`unetzoo doctor`: what is installed here, whether it works, and a text for a report of a bug."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import show_result

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from rich.table import Table

_FAULTY_EXIT = 1
_WIDEST = 100  # columns in a pipe
_DEVELOPERS = {"test", "docs"}  # extras
_VARIABLES = ("UNETZOO_", "HF_", "OMP_", "MKL_", "TORCH_", "CUDA_VISIBLE", "PYTORCH_", "LD_PRELOAD")
_SECRETS = ("TOKEN", "KEY", "SECRET")

Report = dict[str, str]


def doctor(json: Json = None) -> None:
    """Show versions, hardware, extras, plugins and caches, and test that networks run.

    The text holds no names of files, so it can be pasted into a report of a bug. Nothing is downloaded. The exit code
    is 1 if a package that unetzoo needs is missing or too old, a plugin is broken, or a test fails.
    """
    report, is_well = _examined()
    show_result(report, json, _table(report), widest=_WIDEST)
    if not is_well:
        raise typer.Exit(_FAULTY_EXIT)


def _table(report: Report) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    for label, text in report.items():
        table.add_row(label, text)
    return table


def _examined() -> tuple[Report, bool]:
    """A text for each subject, and whether all is well."""
    from unetzoo.bench.machine import machine
    from unetzoo.cli.self_test import CHECKS, failures
    from unetzoo.data.formats.limits import free_memory

    here = machine()
    plugins, broken = _plugins()
    devices = ["cpu", "cuda"] if here["gpu"] else ["cpu"]
    failed = [text for device in devices for text in failures(device)]
    complete, lacking = _extras()
    needed = list(_lacking(""))
    if needed:
        lacking = {"unetzoo itself": needed, **lacking}
    report = {
        "unetzoo": f"{here['versions']['unetzoo']}, Python {here['python']}, {here['system']}",
        "packages": ", ".join(_packages()),
        "processor": f"{here['processor'] or 'unknown'}, {os.cpu_count()} cores, {here['instructions']}",
        "memory": f"{free_memory() / 2**30:.1f} GiB free",
        "GPU": here["gpu"] or "none that torch can use",
        "extras": ", ".join(complete) or "none",
        "lacking": "; ".join(f"{extra}: {', '.join(names)}" for extra, names in lacking.items()) or "no extra",
        "plugins": plugins,
        "caches": ", ".join(_caches()) or "empty",
        "variables": ", ".join(_variables()) or "none that matter",
        "self-test": "; ".join(failed) or f"{', '.join(CHECKS)} work on {' and '.join(devices)}",
    }
    return report, not (needed or broken or failed)


def _requirements(extra: str = "") -> "Iterator[Requirement]":
    """Those of unetzoo itself, or those that an extra adds; of the extras that it names, too."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    for requirement in map(Requirement, requires("unetzoo") or ()):
        if _belongs(requirement, extra):
            if requirement.name == "unetzoo":
                for part in sorted(requirement.extras):
                    yield from _requirements(part)
            else:
                yield requirement


def _belongs(requirement: "Requirement", extra: str) -> bool:
    """Whether an extra, or unetzoo without one, needs a package on this system."""

    def applies(to: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate({"extra": to})

    return applies(extra) and not (extra and applies(""))


def _packages() -> Iterator[str]:
    from importlib.metadata import PackageNotFoundError, version

    for requirement in _requirements():
        with suppress(PackageNotFoundError):
            yield f"{requirement.name} {version(requirement.name)}"


def _extras() -> tuple[list[str], dict[str, list[str]]]:
    """Those whose packages are all installed, and for each of the others what it lacks."""
    from importlib.metadata import metadata

    names = [name for name in metadata("unetzoo").get_all("Provides-Extra", []) if name not in _DEVELOPERS]
    lacking = {name: list(dict.fromkeys(_lacking(name))) for name in sorted(names)}
    return [name for name, lacks in lacking.items() if not lacks], {k: v for k, v in lacking.items() if v}


def _lacking(extra: str) -> Iterator[str]:
    from importlib.metadata import PackageNotFoundError, version

    for requirement in _requirements(extra):
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield requirement.name
        else:
            if not requirement.specifier.contains(installed, prereleases=True):
                yield f"{requirement.name}{requirement.specifier} ({installed} is installed)"


def _plugins() -> tuple[str, list[str]]:
    """What to say, and the names of broken ones."""
    import warnings

    from unetzoo.errors import PluginWarning
    from unetzoo.registry.host import list_plugins

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the text says the same
        infos = list_plugins()
    broken = [info.name for info in infos if info.status == "broken"]
    text = ", ".join(info.name if info.status == "active" else f"{info.name} ({info.status})" for info in infos)
    return text + ("; `unetzoo plugins` says what is wrong" if broken else ""), broken


def _caches() -> Iterator[str]:
    import torch
    from huggingface_hub.constants import HF_HUB_CACHE

    for name, folder in {"Hugging Face": Path(HF_HUB_CACHE), "torch": Path(torch.hub.get_dir())}.items():
        if size := sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
            yield f"{name} {size / 2**20:,.0f} MiB"


def _variables() -> Iterator[str]:
    for name in sorted(os.environ):
        if name.startswith(_VARIABLES):
            yield f"{name}={'...' if any(word in name for word in _SECRETS) else os.environ[name]}"
