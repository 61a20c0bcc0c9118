"""The page that shows the results, made of the files with the raw samples."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.claims.page import accuracy_section, claims_section
from benchmarks.page.excerpt import excerpt
from benchmarks.page.leaderboard import leaderboard_section
from benchmarks.page.losses import losses_section
from benchmarks.page.machine import told_machine
from benchmarks.page.peers import peers_section
from benchmarks.page.prediction import large_section, prediction_section
from benchmarks.page.startup import startup_section
from unetzoo.bench.speed_table import EXPLANATION, markdown
from unetzoo.bench.store import load_results

Section = Callable[[Mapping[str, Any]], list[str]]

_HEAD = """\
# Benchmarks

Made by `python -m benchmarks.speed` from the raw samples in [results](results); do not edit by hand. All contenders of
a case are called in turn in one run, and the same weights are in all whose graph is the same: the difference of their
logits stands in the last column. A single case, on any machine: `unetzoo bench speed --help`. From which size of map on
the transposed convolution is used: `python -m benchmarks.upsampling`."""

_FROM, _TO = "<!-- made by benchmarks/*.py -->", "<!-- until here -->"
_SECTIONS: tuple[tuple[str, str, Section], ...] = (  # a file of results each
    ("startup.json", "## Starting", startup_section),
    ("prediction.json", "## Predicting large images", prediction_section),
    ("prediction-large.json", "### 20,000 x 20,000 pixels", large_section),
    ("losses.json", "## Losses", losses_section),
    ("leaderboard.json", "## Leaderboard", leaderboard_section),
    ("claims.json", "## What papers claim", claims_section),
    ("claims.json", "## Accuracy beside the peers", accuracy_section),
)


def write_pages(folder: Path) -> None:
    """Write the page of the benchmarks' folder, and what the project's README says of it."""
    results, front = folder / "results", folder.parent / "README.md"
    (folder / "README.md").write_text(page(results), encoding="utf-8")
    front.write_text(with_excerpt(front.read_text(encoding="utf-8"), results), encoding="utf-8")


def with_excerpt(readme: str, results: Path) -> str:
    """The project's README with the numbers of a folder of results between its two marks."""
    before, rest = readme.split(_FROM, 1)
    _, after = rest.split(_TO, 1)
    found = [_read(results / name) for name in ("peers.json", "claims.json")]
    return "\n\n".join([before + _FROM, *excerpt(found[0], load_results(results), found[1]), _TO + after])


def page(results: Path) -> str:
    """The page of a folder of results, as Markdown."""
    cases = load_results(results)
    parts = [_HEAD]
    if (results / "peers.json").exists():
        parts += ["## Beside the peers", *peers_section(_read(results / "peers.json"), cases)]
    if cases:
        parts += ["## Speed and memory", told_machine(cases[0]["machine"]), EXPLANATION, markdown(cases)]
    for name, title, section in _SECTIONS:
        if (results / name).exists():
            parts += [title, *section(_read(results / name))]
    return "\n\n".join(parts) + "\n"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
