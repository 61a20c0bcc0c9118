"""The page that shows the results, made of the files with the raw samples."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.claims.page import accuracy_section, claims_section
from benchmarks.page.excerpt import excerpt
from benchmarks.page.leaderboard import leaderboard_section
from benchmarks.page.losses import losses_section
from benchmarks.page.objects import objects_section
from benchmarks.page.objects_memory import objects_memory_section
from benchmarks.page.panel import panel_section
from benchmarks.page.peers import peers_section
from benchmarks.page.prediction import large_section, prediction_section
from benchmarks.page.speed import load_cases, speed_section
from benchmarks.page.startup import startup_section

RESULTS = Path(__file__).parents[1] / "results"

Section = Callable[[Mapping[str, Any]], list[str]]

_HEAD = """\
# Benchmarks

This page is generated from the raw samples in [results](results) by `python -m benchmarks.page`; do not edit it by
hand. Install the project and its peers with `pip install -e '.[test]'`. Each command writes its results and this page
anew; start it in the root of the repository:

| command | numbers | on two cores |
|---|---|---|
| `python -m benchmarks.peers` | [Beside the peers](#beside-the-peers): what each library has and runs | 1 to 2 hours |
| `python -m benchmarks.speed` | [Speed and memory](#speed-and-memory) of networks, beside the peers | > 1 hour |
| `python -m benchmarks.startup` | [Starting](#starting): imports, the command line, `unetzoo.create` | |
| `python -m benchmarks.prediction` | [Predicting large images](#predicting-large-images) | |
| `python -m benchmarks.losses` | [Losses](#losses): time and memory, beside the peers | |
| `python -m benchmarks.leaderboard` | [Leaderboard](#leaderboard): decoders and encoders trained alike | 20 minutes |
| `python -m benchmarks.objects` | Objects: codings beside StarDist and Cellpose, trained alike | > 1 hour |
| `python -m benchmarks.objects_memory` | [Objects of 20,000 x 20,000 pixels](#objects-of-20000-x-20000-pixels) | |
| `python -m benchmarks.panel` | [Panel](#panel): `fit` beside plain loops on ten small data sets | days |
| `python -m benchmarks.claims` | [What papers claim](#what-papers-claim), and the accuracy of the peers | > 2 hours |
| `python -m benchmarks.gallery` | [docs/decoders.md](../docs/decoders.md): size and time of each decoder | |
| `python -m benchmarks.upsampling` | prints which form of upsampling is faster | |
| `python -m benchmarks.page` | this page and the table of the project's README, without measuring | |

This project's networks alone, in any environment: `unetzoo bench speed --help`."""

_FROM, _TO = "<!-- made by benchmarks/*.py -->", "<!-- until here -->"
_SECTIONS: tuple[tuple[str, str, Section], ...] = (  # a file of results each
    ("startup.json", "## Starting", startup_section),
    ("prediction.json", "## Predicting large images", prediction_section),
    ("prediction-large.json", "### 20,000 x 20,000 pixels", large_section),
    ("losses.json", "## Losses", losses_section),
    ("leaderboard.json", "## Leaderboard", leaderboard_section),
    ("objects.json", "## Objects", objects_section),
    ("objects-memory.json", "## Objects of 20,000 x 20,000 pixels", objects_memory_section),
    ("panel.json", "## Panel", panel_section),
    ("claims.json", "## What papers claim", claims_section),
    ("claims.json", "## Accuracy beside the peers", accuracy_section),
)


def write_pages() -> None:
    """Write README.md of the benchmarks, and the table in that of the project."""
    folder = RESULTS.parent
    front = folder.parent / "README.md"
    (folder / "README.md").write_text(page(RESULTS), encoding="utf-8")
    front.write_text(with_excerpt(front.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")


def with_excerpt(readme: str, results: Path) -> str:
    """The project's README with the numbers of a folder of results between its two marks."""
    before, rest = readme.split(_FROM, 1)
    _, after = rest.split(_TO, 1)
    files = [_read(results / name) for name in ("peers.json", "claims.json")]
    return "\n\n".join([before + _FROM, *excerpt(files[0], load_cases(results), files[1]), _TO + after])


def page(results: Path) -> str:
    """The page of a folder of results, as Markdown."""
    cases = load_cases(results)
    parts = [_HEAD]
    if (results / "peers.json").exists():
        parts += ["## Beside the peers", *peers_section(_read(results / "peers.json"), cases)]
    if cases:
        parts += ["## Speed and memory", *speed_section(cases)]
    for name, title, section in _SECTIONS:
        if (results / name).exists():
            parts += [title, *section(_read(results / name))]
    return "\n\n".join(parts) + "\n"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
