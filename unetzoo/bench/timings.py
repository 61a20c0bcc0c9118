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


def as_numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """A case, its machine and the numbers of `timings` as plain data: seconds, ratios, bytes; None if not measured."""
    rows = [
        _row(allocator, measured, name)
        for allocator, measured in result["allocators"].items()
        for name in measured["names"]
    ]
    return {"case": result["case"], "machine": result["machine"], "timings": rows}


def _row(allocator: str, measured: Mapping[str, Any], name: str) -> dict[str, Any]:
    seconds = measured["seconds"]
    return {
        "allocator": allocator,
        "contender": name,
        "seconds": median(seconds[name]),
        "times_as_fast": median(ratios(seconds[measured["names"][0]], seconds[name])),
        "peak_bytes": measured["peak_bytes"].get(name),
        "saved_bytes": measured["saved_bytes"].get(name),
        "relative_difference": measured["relative_difference"].get(name),
    }


def _timing(allocator: str, measured: Mapping[str, Any], name: str) -> Timing:
    seconds, row = measured["seconds"], _row(allocator, measured, name)
    difference = row["relative_difference"]
    return Timing(
        allocator,
        name,
        milliseconds=f"{row['seconds'] * 1e3:,.0f}",
        ratio=with_quartiles(ratios(seconds[measured["names"][0]], seconds[name])),
        peak=_mebibytes(row["peak_bytes"]),
        saved=_mebibytes(row["saved_bytes"]),
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
