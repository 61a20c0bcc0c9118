"""The page that shows the results, made of the files with the raw samples."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.claims.page import accuracy_section, claims_section
from benchmarks.page.crops import crops_section
from benchmarks.page.encoders import encoders_guide, encoders_section
from benchmarks.page.engines import engines_section
from benchmarks.page.excerpt import excerpt
from benchmarks.page.first_image import first_image_section
from benchmarks.page.gpu import gpu_section
from benchmarks.page.labeling import labeling_section
from benchmarks.page.leaderboard import leaderboard_section
from benchmarks.page.losses import losses_section
from benchmarks.page.objects import objects_section
from benchmarks.page.objects_memory import objects_memory_section
from benchmarks.page.panel import panel_section
from benchmarks.page.peers import peers_section
from benchmarks.page.prediction import large_section, prediction_section, scene_section
from benchmarks.page.recipes import recipes_section
from benchmarks.page.scribbles import scribbles_section
from benchmarks.page.serve import serve_section
from benchmarks.page.speed import load_cases, speed_section
from benchmarks.page.startup import startup_section
from benchmarks.page.tissue import tissue_section
from benchmarks.page.unlabeled import unlabeled_section
from benchmarks.page.volume_objects import volume_objects_section
from benchmarks.page.volumes import volumes_section
from benchmarks.plan import PLAN

RESULTS = Path(__file__).parents[1] / "results"

Section = Callable[[Mapping[str, Any]], list[str]]

_HEAD = """\
# Benchmarks

This page is generated from the raw samples in [results](results) by `python -m benchmarks.page`; do not edit it by
hand. Install the project and its peers with `pip install -e '.[test]'`. Each command writes its results and this page
anew; start it in the root of the repository:

| command | numbers | minutes on two cores |
|---|---|---:|
{rows}
| `python -m benchmarks.page` | this page and the table of the project's README, without measuring | |

`benchmarks/all.sh` runs all of them, in nights of less than three hours; `--list` says what is left.
`benchmarks/gpu.sh` measures on a GPU in nine minutes, without a network; `benchmarks/gpu_wheels.sh` collects the
packages for it.
This project's networks alone, in any environment: `unetzoo bench speed --help`.

All networks but those of the [panel](#panel) and the [recipes](#recipes) were trained with the defaults that `fit` had
before 2026-11-28: a warm-up of 5 % of the steps, and a learning rate of at most 3e-3 in narrow networks."""

_FROM, _TO = "<!-- made by benchmarks/*.py -->", "<!-- until here -->"
_SECTIONS: tuple[tuple[str, str, Section], ...] = (  # a file of results each
    ("startup.json", "## Starting", startup_section),
    ("prediction.json", "## Predicting large images", prediction_section),
    ("prediction-large.json", "### 20,000 x 20,000 pixels", large_section),
    ("scene.json", "### From GeoTIFF to GeoTIFF", scene_section),
    ("serve.json", "## Serving", serve_section),
    ("losses.json", "## Losses", losses_section),
    ("crops.json", "## Crops", crops_section),
    ("leaderboard.json", "## Leaderboard", leaderboard_section),
    ("recipes.json", "## Recipes", recipes_section),
    ("tissue.json", "## Volumes beside nnU-Net's trainer", tissue_section),
    ("objects.json", "## Objects", objects_section),
    ("objects-memory.json", "## Objects of 20,000 x 20,000 pixels", objects_memory_section),
    ("volume-objects.json", "## Objects of large volumes", volume_objects_section),
    ("panel.json", "## Panel", panel_section),
    ("claims.json", "## What papers claim", claims_section),
    ("claims.json", "## Accuracy beside the peers", accuracy_section),
)
_FOLDERS: tuple[tuple[str, str, Callable[[list[dict[str, Any]]], list[str]]], ...] = (  # of results in many files
    ("first-image", "### In a new process", first_image_section),
    ("encoders", "## Encoders", encoders_section),
    ("volumes", "## Volumes", volumes_section),
    ("labeling", "## Images to label next", labeling_section),
    ("scribbles", "## Scribbles", scribbles_section),
    ("unlabeled", "## Images without masks", unlabeled_section),
)


def write_pages() -> None:
    """Write README.md of the benchmarks, and the tables in that of the project and in docs/choose.md."""
    folder = RESULTS.parent
    front, guide = folder.parent / "README.md", folder.parent / "docs" / "choose.md"
    (folder / "README.md").write_text(page(RESULTS), encoding="utf-8")
    front.write_text(with_excerpt(front.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")
    guide.write_text(with_encoders(guide.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")


def with_excerpt(readme: str, results: Path) -> str:
    """The project's README with the numbers of a folder of results between its two marks."""
    files = [_read(results / name) for name in ("peers.json", "claims.json")]
    return _between_marks(readme, excerpt(files[0], load_cases(results), files[1]))


def with_encoders(guide: str, results: Path) -> str:
    """The guide to models with the encoders of a folder of results between its two marks."""
    return _between_marks(guide, encoders_guide(read_all(results / "encoders")))


def _between_marks(text: str, parts: Sequence[str]) -> str:
    before, rest = text.split(_FROM, 1)
    _, after = rest.split(_TO, 1)
    return "\n\n".join([before + _FROM, *parts, _TO + after])


def page(results: Path) -> str:
    """The page of a folder of results, as Markdown."""
    cases = load_cases(results)
    rows = "\n".join(f"| `python -m {one.module}` | {one.numbers} | about {one.minutes:,} |" for one in PLAN)
    parts = [_HEAD.format(rows=rows)]
    if (results / "peers.json").exists():
        parts += ["## Beside the peers", *peers_section(_read(results / "peers.json"), cases)]
    if cases:
        parts += ["## Speed and memory", *speed_section(cases)]
    if engines := load_cases(results / "engines"):
        parts += ["## Engines", *engines_section(engines)]
    for name, title, of_folder in _FOLDERS:
        if results_of_all := read_all(results / name):
            parts += [title, *of_folder(results_of_all)]
    for name, title, section in _SECTIONS:
        if (results / name).exists():
            parts += [title, *section(_read(results / name))]
    return _with_its_own_links("\n\n".join([*parts, *gpu_section(results)]) + "\n")


def _with_its_own_links(text: str) -> str:
    """A page without the links to sections that it does not have, since nothing was measured yet."""
    titles = (title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    anchors = {re.sub(r"[^\w-]", "", title) for title in titles}
    return re.sub(r"\[([^\]]+)\]\(#([^)]+)\)", lambda link: link[0] if link[2] in anchors else link[1], text)


def read_all(folder: Path) -> list[dict[str, Any]]:
    """The results in the files of a folder."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
