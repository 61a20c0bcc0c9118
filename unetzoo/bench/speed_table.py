"""Tables of results, for a terminal and for Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from unetzoo.bench.case import OURS, REFERENCE, Case

Result = Mapping[str, Any]

HEADERS = ("ms", "faster than smp", "peak MiB", "saved MiB", "difference")
EXPLANATION = """\
A: the C library as it comes. B: it keeps freed memory for the process (`unetzoo.keep_freed_memory()` in a program).
ms: median of one call. faster than smp: median of the ratios of calls made one after the other, and their quartiles.
peak: how much the process grows in a call. saved: maps that training keeps for the backward pass. difference: the
largest one of the logits, of the largest logit, where the weights are the same. floor: the multiply-adds of unetzoo's
network at the rate of one large convolution in the same run."""


@dataclass(frozen=True)
class Row:
    """One contender with one allocator; texts, empty where there is nothing to say."""

    allocator: str
    name: str
    cells: tuple[str, ...]


def rows(result: Result) -> list[Row]:
    """The contenders of a result, those with the same allocator together."""
    return [
        Row(allocator, name, _cells(measured, name))
        for allocator, measured in result["allocators"].items()
        for name in measured["names"]
    ]


def findings(result: Result) -> list[str]:
    """What the table does not say: the distance from the floor, and what the recommended setting brings."""
    case, allocators = Case(**result["case"]), result["allocators"]
    if case.task != "inference":
        return []
    found = [
        f"optimize() with allocator {name}: "
        f"{_over_floor(result, name):.2f} times the floor, which is {_floor_ms(result, name)} ms"
        for name in allocators
    ]
    if set(allocators) == {"A", "B"}:
        ratio = median(ratios(allocators["A"]["seconds"][REFERENCE], allocators["B"]["seconds"][OURS]))
        found.append(f"optimize() with allocator B, smp as it comes with A: {ratio:.2f} times as fast")
    return found


def markdown(results: Iterable[Result]) -> str:
    """All results as Markdown, a section each."""
    return "\n\n".join(_section(result) for result in results)


def ratios(slower: Sequence[float], faster: Sequence[float]) -> list[float]:
    """How often each time of one fits into the one measured next to it of the other."""
    return [one / other for one, other in zip(slower, faster, strict=True)]


def _section(result: Result) -> str:
    lines = [f"### {Case(**result['case']).title}", "", f"| | | {' | '.join(HEADERS)} |"]
    lines.append("|" + "---|" * 2 + "---:|" * len(HEADERS))
    lines += [f"| {row.allocator} | {row.name} | {' | '.join(row.cells)} |" for row in rows(result)]
    return "\n".join([*lines, *(f"\n{finding}." for finding in findings(result))])


def _cells(measured: Mapping[str, Any], name: str) -> tuple[str, ...]:
    seconds = measured["seconds"]
    found = ratios(seconds[measured["names"][0]], seconds[name])
    difference = measured["relative_difference"].get(name)
    return (
        f"{median(seconds[name]) * 1e3:,.0f}",
        f"{median(found):.2f}{_spread(found)}",
        _mebibytes(measured["peak_bytes"].get(name)),
        _mebibytes(measured["saved_bytes"].get(name)),
        "" if difference is None else f"{difference:.1g}",
    )


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f" ({low:.2f} to {high:.2f})"


def _mebibytes(count: int | None) -> str:
    return "" if count is None else f"{count / 2**20:,.0f}"


def _floor(result: Result, allocator: str) -> list[float]:
    """Seconds that each round's rate allows."""
    return [result["multiply_adds"] / rate for rate in result["allocators"][allocator]["rate"]]


def _floor_ms(result: Result, allocator: str) -> str:
    return f"{median(_floor(result, allocator)) * 1e3:,.0f}"


def _over_floor(result: Result, allocator: str) -> float:
    seconds = result["allocators"][allocator]["seconds"][OURS]
    return median(ratios(seconds, _floor(result, allocator)))
