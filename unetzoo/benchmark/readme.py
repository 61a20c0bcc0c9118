"""The page that shows the results, made of the files with the raw samples."""

import json
from pathlib import Path
from statistics import median
from typing import Any

from unetzoo.benchmark.report import EXPLANATION, markdown, ratios
from unetzoo.benchmark.store import load_results

_HEAD = """\
# Benchmarks

Made by `python benchmarks/speed.py` from the raw samples in [results](results); do not edit by hand. All contenders of
a case are called in turn in one run, and the same weights are in all whose graph is the same: the difference of their
logits stands in the last column. A single case, on any machine: `unetzoo bench speed --help`. From which size of map on
the transposed convolution is used: `python benchmarks/upsampling.py`."""


def write_readme(results: Path, readme: Path) -> None:
    """Write the page of a folder of results."""
    readme.write_text(page(results), encoding="utf-8")


def page(results: Path) -> str:
    """The page of a folder of results, as Markdown."""
    cases = load_results(results)
    parts = [_HEAD]
    if cases:
        parts += ["## Speed and memory", _machine(cases[0]["machine"]), EXPLANATION, markdown(cases)]
    startup = results / "startup.json"
    if startup.exists():
        parts += ["## Starting", *_startup(json.loads(startup.read_text(encoding="utf-8")))]
    return "\n\n".join(parts) + "\n"


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    gpu = f"; {machine['gpu']}" if machine["gpu"] else "; no GPU was at hand"
    return f"{machine['processor']}, {machine['threads']} threads{gpu}; Python {machine['python']}, {versions}."


def _startup(found: dict[str, Any]) -> list[str]:
    processes = ["| process | ms |", "|---|---:|"]
    processes += [f"| {name} | {median(samples) * 1e3:,.0f} |" for name, samples in found["processes"].items()]
    made = ["| encoder | timm.create_model, ms | unetzoo.create of a U-Net, ms | ratio |", "|---|---:|---:|---:|"]
    for encoder, samples in found["create"].items():
        timm, ours = samples["timm.create_model"], samples["unetzoo.create"]
        milliseconds = [f"{median(seconds) * 1e3:,.0f}" for seconds in (timm, ours)]
        made.append(f"| {encoder} | {' | '.join(milliseconds)} | {median(ratios(ours, timm)):.2f} |")
    return ["\n".join(processes), "\n".join(made)]
