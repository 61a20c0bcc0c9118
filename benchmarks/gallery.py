"""Draw and time every built-in decoder over the same encoder, for docs/decoders.md: `python -m benchmarks.gallery`."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from unetzoo._utils.atomic import write_text
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.assembly import create
from unetzoo.bench.machine import machine
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inspection.dissect import dissect
from unetzoo.inspection.drawing import save_drawing
from unetzoo.registry.builtin import unetzoo_decoders
from unetzoo.specs import DecoderSpec

ENCODER, SIDE = "resnet34", 512
_ROUNDS = 7  # timed rounds, after one for warming up

_HEAD = """\
# Decoders

<!-- made by `python -m benchmarks.gallery`; do not edit by hand -->

Every decoder with the same encoder, {encoder}, for images of 3 x {side} x {side} pixels. Parameters and multiply-adds
count the whole network. The time is the median of {rounds} calls of `unetzoo.optimize(model)` on one image; the
decoders are timed in turn, so compare times within this table only. {machine}
"""


@dataclass(frozen=True)
class Picture:
    """One decoder in the gallery.

    Attributes:
        spec: the decoder.
        parameters: of the network.
        multiply_adds: for one image.
        seconds: for one image.
    """

    spec: DecoderSpec
    parameters: int
    multiply_adds: int
    seconds: float


def draw_gallery(specs: Sequence[DecoderSpec], page: Path, *, encoder: str = ENCODER, side: int = SIDE) -> None:
    """Write the page, and beside it a folder of its name with a drawing of each network.

    Args:
        specs: of the decoders, in the order of the page.
        page: a .md file.
        encoder: of all networks.
        side: of the image in pixels.
    """
    drawings = page.with_suffix("")
    drawings.mkdir(parents=True, exist_ok=True)
    seconds = _latencies([spec.name for spec in specs], encoder, side)
    pictures = []
    for spec in specs:
        with torch.device("meta"):
            anatomy = dissect(create(spec.name, encoder=encoder), (side, side))
        title = f"{spec.name} over {encoder}"
        save_drawing(anatomy, drawings / f"{spec.name}.svg", title=title, image=(3, side, side))
        total = anatomy.total
        pictures.append(Picture(spec, total.parameters, total.multiply_adds, seconds[spec.name]))
    facts = machine()
    measured = f"Measured on {facts['processor']} ({facts['instructions']}), {facts['threads']} threads, float32."
    head = _HEAD.format(encoder=encoder, side=side, rounds=_ROUNDS, machine=measured)
    write_text(page, "\n".join([head, *_table(pictures), "", *_sections(pictures, drawings.name)]))


def _latencies(names: Sequence[str], encoder: str, side: int) -> dict[str, float]:
    torch.manual_seed(0)
    image = torch.randn(1, 3, side, side)
    calls: dict[str, Callable[[], object]] = {name: _call(name, encoder, image) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(1 + _ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times[1:]) for name, times in seconds.items()}


def _call(name: str, encoder: str, image: torch.Tensor) -> Callable[[], object]:
    network = optimize(create(name, encoder=encoder).eval())
    return lambda: network(image)


def _table(pictures: Sequence[Picture]) -> Iterator[str]:
    yield "| decoder | M parameters | G multiply-adds | ms | when to choose it |"
    yield "|---|---:|---:|---:|---|"
    for picture in pictures:
        yield f"| [{picture.spec.name}](#{picture.spec.name}) | {_numbers(picture)} | {picture.spec.when} |"


def _sections(pictures: Sequence[Picture], drawings: str) -> Iterator[str]:
    for picture in pictures:
        yield f"## {picture.spec.name}\n"
        yield f"{picture.spec.summary[:1].upper()}{picture.spec.summary[1:]}. Paper: {_link(picture.spec.paper)}.\n"
        yield f"**When to choose it:** {picture.spec.when}\n"
        yield f"![The network with the decoder {picture.spec.name}]({drawings}/{picture.spec.name}.svg)\n"


def _numbers(picture: Picture) -> str:
    return f"{picture.parameters / 1e6:.1f} | {picture.multiply_adds / 1e9:.1f} | {picture.seconds * 1e3:,.0f}"


def _link(paper: str) -> str:
    scheme, _, number = paper.partition(":")
    address = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}.get(scheme)
    return f"[{paper}]({address}{number})" if address else paper


def main() -> None:
    """Write the page and its drawings."""
    keep_freed_memory()
    draw_gallery(list(unetzoo_decoders()), Path(__file__).parents[1] / "docs" / "decoders.md")


if __name__ == "__main__":
    main()
