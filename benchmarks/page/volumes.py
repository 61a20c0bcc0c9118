"""Time and memory of networks over three axes beside MONAI and nnU-Net."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.timings import ratios

Result = Mapping[str, Any]

_TEXT = """\
Made by `python -m benchmarks.volumes`: a volume of one channel through U-Nets with nnU-Net's widths, 32 to 320, all
contenders of a table with the same graph and the same weights, called in turn in one process that keeps freed memory.
s: seconds of the processor, median of the calls; faster: median of the ratios to the first, call by call. peak: how
much the process grows in a call; saved: maps that a training step keeps for the backward pass. difference: the largest
difference of the logits from the first's, relative to the largest; in training, with batch statistics where there are
any. Float32; bfloat16 is measured where the processor computes in it. nnU-Net's network upsamples by transposed
convolutions, which this project joins with the convolution after them where that takes fewer multiplications; with
nearest neighbors the convolution after them is computed without the enlarged map, which the first row of these tables
does not do."""
_TITLES = {
    "transposed": "transposed convolutions, instance norm, LeakyReLU",
    "nearest": "nearest neighbors, batch norm",
}
_HEAD = "| | s | faster | peak MiB | saved MiB | difference |\n|---|---:|---:|---:|---:|---:|"


def volumes_section(results: Sequence[Result]) -> list[str]:
    """A table for each case, the small volumes first."""
    ordered = sorted(results, key=lambda one: (one["case"]["size"], one["case"]["graph"] != "transposed"))
    peers = {name: number for one in ordered for name, number in one["peers"].items()}
    beside = "".join(f" Beside {name} {number}." for name, number in peers.items())
    return [machine_line(ordered[0]["machine"]), _TEXT + beside, *(part for one in ordered for part in _parts(one))]


def _parts(result: Result) -> Iterator[str]:
    case = result["case"]
    yield f"### {case['size']} x {case['size']} x {case['size']} voxels, {case['task']}, {_TITLES[case['graph']]}"
    first = next(iter(result["seconds"].values()))
    rows = [_row(result, name, seconds, first) for name, seconds in result["seconds"].items()]
    yield "\n".join([_HEAD, *rows])


def _row(result: Result, name: str, seconds: Sequence[float], first: Sequence[float]) -> str:
    peak, saved = (_mebibytes(result[kind].get(name)) for kind in ("peak_bytes", "saved_bytes"))
    difference = result["relative_difference"].get(name)
    apart = "" if difference is None else f"{difference:.1g}"
    return f"| {name} | {median(seconds):.2f} | {median(ratios(first, seconds)):.2f} | {peak} | {saved} | {apart} |"


def _mebibytes(count: int | None) -> str:
    return "" if count is None else f"{count / 2**20:,.0f}"
