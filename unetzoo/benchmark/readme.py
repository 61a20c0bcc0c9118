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
    for name, title, section in (
        ("prediction.json", "## Predicting large images", _prediction),
        ("prediction-large.json", "### 20,000 x 20,000 pixels", _large),
        ("losses.json", "## Losses", _losses),
    ):
        if (results / name).exists():
            parts += [title, *section(json.loads((results / name).read_text(encoding="utf-8")))]
    return "\n\n".join(parts) + "\n"


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    gpu = f"; {machine['gpu']}" if machine["gpu"] else "; no GPU was at hand"
    instructions = f" ({machine['instructions']})" if "instructions" in machine else ""
    where = f"{machine['processor']}{instructions}, {machine['threads']} threads{gpu}"
    return f"{where}; Python {machine['python']}, {versions}."


def _prediction(found: dict[str, Any]) -> list[str]:
    """Seconds and ratios for each tile."""
    told = (
        "Made by `python benchmarks/prediction.py`: a U-Net with a ResNet-18, optimized, on an image of random values; "
        "probabilities of two classes. The network alone sees as many pixels as the image has, without any overlap; a "
        "ratio below 1 is slower than that. MONAI is `sliding_window_inference` with the same network, tile and"
        " overlap. All in turn in one run; medians. Per pixel seen counts what overlaps twice, as the network does."
    )
    lines = [
        "| tile, overlap | who | seconds | pixels/s of the network alone | per pixel seen |",
        "|---|---|---:|---:|---:|",
    ]
    for case in found["cases"]:
        pixels = case["size"][0] * case["size"][1]
        alone, *others = case["seconds"].items()
        for name, seconds in (alone, *others):
            ratio = median(ratios(alone[1], seconds))
            seen = f"{ratio * case['seen'] / pixels:.2f}" if name == "unetzoo.predict" else ""
            lines.append(
                f"| {case['tile']}, {case['overlap']} | {name} | {median(seconds):.2f} | {ratio:.2f} | {seen} |"
            )
    return [_machine(found["machine"]), told, "\n".join(lines)]


def _large(found: dict[str, Any]) -> list[str]:
    side, seconds, memory = found["side"], found["seconds"], found["beyond the model"] / 2**20
    return [
        f"A tiled TIFF of {side:,} x {side:,} pixels (8 bits, {found['file'] / 2**20:,.0f} MB) becomes a tiled TIFF of "
        f"class ids by a small plain U-Net in {seconds:,.0f} s, with {memory:,.0f} MB beyond the loaded network at "
        "most (`python benchmarks/prediction.py --only large`)."
    ]


def _losses(found: dict[str, Any]) -> list[str]:
    """Ratios of each pair."""
    told = (
        "Made by `python benchmarks/losses.py`: forward and backward on 4 images of 512 x 512 pixels, 1 or 4 classes, "
        "float32, with options that make both the same loss; the allocator keeps freed memory. Called in turn in one "
        "run; faster than the peer: the median of the ratios. Saved: what is kept for the backward pass."
    )
    lines = [
        "| loss | peer | target | ms | faster than it | peak MiB | peer's | saved MiB | peer's | value | peer's |",
        "|---|---|---|" + "---:|" * 8,
    ]
    for one in found["losses"]:
        seconds, peak, saved, values = (one[name] for name in ("seconds", "peak_bytes", "saved_bytes", "values"))
        cells = [
            f"`{one['loss']}`",
            one["peer"],
            one["task"],
            f"{median(seconds['ours']) * 1e3:.1f}",
            f"{median(ratios(seconds['peer'], seconds['ours'])):.2f}",
            *(f"{bytes_[who] / 2**20:,.0f}" for bytes_ in (peak, saved) for who in ("ours", "peer")),
            *(f"{values[who]:.4f}" for who in ("ours", "peer")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [_machine(found["machine"]), told, "\n".join(lines)]


def _startup(found: dict[str, Any]) -> list[str]:
    processes = ["| process | ms |", "|---|---:|"]
    processes += [f"| {name} | {median(samples) * 1e3:,.0f} |" for name, samples in found["processes"].items()]
    made = ["| encoder | timm.create_model, ms | unetzoo.create of a U-Net, ms | ratio |", "|---|---:|---:|---:|"]
    for encoder, samples in found["create"].items():
        timm, ours = samples["timm.create_model"], samples["unetzoo.create"]
        milliseconds = [f"{median(seconds) * 1e3:,.0f}" for seconds in (timm, ours)]
        made.append(f"| {encoder} | {' | '.join(milliseconds)} | {median(ratios(ours, timm)):.2f} |")
    return ["\n".join(processes), "\n".join(made)]
