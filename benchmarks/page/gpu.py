"""What was measured on a GPU: a section that names the card, or nothing where nothing was."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.case import CREATED
from unetzoo.bench.timings import ratios, with_quartiles

Rows = Mapping[str, Mapping[str, Any]]

TITLE = "## On a GPU"
_TEXT = """\
Made by `benchmarks/gpu.sh`. All networks are in the order `torch.channels_last`; weights and images of inference are of
the precision, training is mixed; float32 is computed in TF32. Modes: as they are; `torch.compile`; and with CUDA graphs
(`mode="reduce-overhead"`); `optimize()` is the same in all of them. ms: median of one call by CUDA events, of every
library in turn. faster than smp: median of the ratios of calls made one after the other, in the same mode, and their
quartiles. kernels: in one call. peak: memory that a call adds; recorded kernels (CUDA graphs, and `optimize()` of a
small batch) hold theirs between calls. of the rate: multiply-adds per second, of a large convolution or matrix product
in the same run, whichever is faster; a training step counts three times the forward pass. A training step is forward
and backward."""
_HEAD = """\
| | precision | mode | | ms | faster than smp | kernels | peak MiB | of the rate |
|---|---|---|---|---:|---:|---:|---:|---:|"""
_PRECISIONS = {"float32": "float32 (TF32)"}


def gpu_section(results: Path) -> list[str]:
    """The title and the parts of all stages that a GPU measured; none: no section."""
    parts = [part for name, section in _STAGES.items() for part in _stage(results / f"gpu-{name}.json", section)]
    return [TITLE, _TEXT, *parts] if parts else []


def _stage(path: Path, section: Callable[[Rows], Iterator[str]]) -> Iterator[str]:
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not content or not content["machine"]["gpu"]:
        return
    beside = f"; {content['beside']}" if "beside" in content else ""
    yield f"{machine_line(content['machine'])[:-1]}; {content['date']}{beside}."
    yield from section(content["rows"])
    yield from _failures(content["rows"])


def _speed(rows: Rows) -> Iterator[str]:
    lines = [line for row in rows.values() if "error" not in row for line in _contenders(row)]
    if lines:
        yield "\n".join([_HEAD, *lines])


def _contenders(row: Mapping[str, Any]) -> Iterator[str]:
    case, (reference, *_) = row["case"], row["seconds"].values()
    work = f"{case['decoder']}, {case['encoder']}, {case['batch']} x {case['size']} px, {case['task']}"
    precision = _PRECISIONS.get(row["precision"], row["precision"])
    for name, seconds in row["seconds"].items():
        share = row["multiply_adds"] / median(seconds) / max(row["rate"].values())
        numbers = (
            f"{median(seconds) * 1e3:,.2f}",
            with_quartiles(ratios(reference, seconds)),
            f"{row['kernels'][name]:,}",
            f"{row['peak_bytes'][name] / 2**20:,.0f}",
            f"{share:.0%}",
        )
        yield f"| {work} | {precision} | {row['mode']} | {_short(name)} | {' | '.join(numbers)} |"


def _levels(rows: Rows) -> Iterator[str]:
    yield (
        "One node of a decoder in both forms of its upsampling, the making of kernels included. faster: the transposed "
        "form, median of the ratios and their quartiles."
    )
    lines = ["| | plain, ms | transposed, ms | faster | kernels | peak MiB |", "|---|---:|---:|---:|---:|---:|"]
    for title, row in rows.items():
        if row.get("seconds", {}).keys() == {"plain", "transposed"}:
            plain, transposed = row["seconds"].values()
            times = f"{median(plain) * 1e3:,.3f} | {median(transposed) * 1e3:,.3f}"
            kernels = " to ".join(f"{count:,}" for count in row["kernels"].values())
            peaks = " to ".join(f"{peak / 2**20:,.0f}" for peak in row["peak_bytes"].values())
            lines.append(f"| {title} | {times} | {with_quartiles(ratios(plain, transposed))} | {kernels} | {peaks} |")
    yield "\n".join(lines)


def _fit(rows: Rows) -> Iterator[str]:
    yield (
        "`fit` reads PNG files, and augments and trains on their crops. Bare: the same step of crops that are on the "
        "card. busy: how much of the time the card ran a kernel, as its driver says."
    )
    lines = ["| | ms a step | bare | busy |", "|---|---:|---:|---:|"]
    for title, row in rows.items():
        if "error" not in row:
            busy = "" if row["load"] is None else f"{row['load']:.0%}"
            lines.append(f"| {title} | {row['step'] * 1e3:,.1f} | {row['bare step'] * 1e3:,.1f} | {busy} |")
    yield "\n".join(lines)


def _large(rows: Rows) -> Iterator[str]:
    for title, row in rows.items():
        if "side" in row:
            memory = row["beyond the model"] / 2**20
            yield f"{title} becomes one of class ids in {row['seconds']:,.0f} s, with {memory:,.0f} MiB of main memory."
        elif "accuracy" in row:
            precision = row["accuracy"]["objects"]["AP"]
            yield (
                f"{title}: {row['steps']:,} steps and their validation take {row['training seconds']:,.0f} s; AP "
                f"{precision:.3f}; {row['speed']['latency'] * 1e3:,.1f} ms for an image of {row['speed']['size']} px."
            )


def _volumes(rows: Rows) -> Iterator[str]:
    yield (
        "Volumes through nnU-Net's graph with the same weights, as `python -m benchmarks.volumes` builds them. faster: "
        "median of the ratios to the first of each row."
    )
    lines = ["| | | ms | faster | kernels | peak MiB |", "|---|---|---:|---:|---:|---:|"]
    for title, row in rows.items():
        for name, seconds in row.get("seconds", {}).items():
            first = next(iter(row["seconds"].values()))
            numbers = f"{median(seconds) * 1e3:,.2f} | {with_quartiles(ratios(first, seconds))}"
            costs = f"{row['kernels'][name]:,} | {row['peak_bytes'][name] / 2**20:,.0f}"
            lines.append(f"| {title} | {_short(name)} | {numbers} | {costs} |")
    yield "\n".join(lines)


def _tests(rows: Rows) -> Iterator[str]:
    outcomes = [row.get("outcome") for title, row in rows.items() if "::" in title]
    counts = [f"{outcomes.count(outcome):,} {outcome}" for outcome in ("passed", "failed", "skipped")]
    yield f"Tests marked `gpu`: {', '.join(counts)}."
    failed = [title for title, row in rows.items() if row.get("outcome") == "failed"]
    if failed:
        yield "\n".join(["Failed:", "", *(f"- `{title}`" for title in failed)])


def _failures(rows: Rows) -> Iterator[str]:
    """What was not measured, and why."""
    errors = [(title, row["error"]) for title, row in rows.items() if "error" in row and "outcome" not in row]
    errors += [
        (f"{title}, {_short(name)}", error)
        for title, row in rows.items()
        for name, error in row.get("errors", {}).items()
    ]
    if errors:
        yield "\n".join(["Not measured:", "", *(f"- {title}: `{_last_line(error)}`" for title, error in errors)])


def _short(name: str) -> str:
    return "unetzoo" if name == CREATED else name


def _last_line(error: str) -> str:
    lines = error.strip().splitlines() or [""]
    return lines[-1].replace("`", "'")[:160]


_STAGES = {
    "tests": _tests,
    "inference": _speed,
    "training": _speed,
    "levels": _levels,
    "fit": _fit,
    "large": _large,
    "volumes": _volumes,
}
