"""The result of a timed case as rows of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from unetzoo.bench.case import OPTIMIZED, Case

EXPLANATION = """\
A: the C library with its defaults. B: it keeps freed memory for the process (`unetzoo.keep_freed_memory()` in a
program). ms: median of one call. faster than the first: median of the ratios of calls made one after the other, and
their quartiles. peak: how much the process grows in a call. difference: the largest difference of the logits relative
to the largest logit, where the weights are the same. floor: the multiply-adds of the network at the rate of one large
convolution in the same run."""


@dataclass(frozen=True)
class Timing:
    """One contender with one allocator; texts, empty where nothing was measured.

    Attributes:
        allocator: `"A"` or `"B"`.
        contender: its name.
        milliseconds: median of one call.
        ratio: how many times as fast as the first contender, with quartiles.
        peak: MiB by which the process grows in a call.
        saved: MiB that a training step keeps for its backward pass.
        difference: of the logits from those of the first contender.
    """

    allocator: str
    contender: str
    milliseconds: str
    ratio: str
    peak: str
    saved: str
    difference: str


def timings(result: Mapping[str, Any]) -> list[Timing]:
    """The contenders of a result, those with the same allocator together."""
    return [
        _timing(allocator, measured, name)
        for allocator, measured in result["allocators"].items()
        for name in measured["names"]
    ]


def comparisons(result: Mapping[str, Any]) -> list[str]:
    """For inference: how far `optimize()` is from the floor, and its speed with allocator B over the first's with A."""
    if Case(**result["case"]).task != "inference":
        return []
    allocators = result["allocators"]
    lines = [_over_floor(result["multiply_adds"], name, measured) for name, measured in allocators.items()]
    if set(allocators) == {"A", "B"}:
        first = allocators["A"]["names"][0]
        ratio = median(ratios(allocators["A"]["seconds"][first], allocators["B"]["seconds"][OPTIMIZED]))
        lines.append(f"optimize() with allocator B, {first} with A: {ratio:.2f} times as fast")
    return lines


def ratios(slower: Sequence[float], faster: Sequence[float]) -> list[float]:
    """Each time divided by the one that was measured next to it."""
    return [one / other for one, other in zip(slower, faster, strict=True)]


def _over_floor(multiply_adds: int, allocator: str, measured: Mapping[str, Any]) -> str:
    floor = [multiply_adds / rate for rate in measured["rate"]]
    ratio = median(ratios(measured["seconds"][OPTIMIZED], floor))
    return f"optimize() with allocator {allocator}: {ratio:.2f} times the floor, which is {median(floor) * 1e3:,.0f} ms"


def _timing(allocator: str, measured: Mapping[str, Any], name: str) -> Timing:
    seconds, difference = measured["seconds"], measured["relative_difference"].get(name)
    return Timing(
        allocator,
        name,
        milliseconds=f"{median(seconds[name]) * 1e3:,.0f}",
        ratio=with_quartiles(ratios(seconds[measured["names"][0]], seconds[name])),
        peak=_mebibytes(measured["peak_bytes"].get(name)),
        saved=_mebibytes(measured["saved_bytes"].get(name)),
        difference="" if difference is None else f"{difference:.1g}",
    )


def with_quartiles(values: Sequence[float]) -> str:
    """The median and, of at least two values, the quartiles."""
    if len(values) < 2:
        return f"{median(values):.2f}"
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{median(values):.2f} ({low:.2f} to {high:.2f})"


def _mebibytes(count: int | None) -> str:
    return "" if count is None else f"{count / 2**20:,.0f}"
