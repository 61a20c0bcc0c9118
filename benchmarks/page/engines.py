"""How fast engines compute this project's network and smp's."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.case import Case
from unetzoo.bench.timings import ratios, with_quartiles

_OURS, _THEIRS = "unetzoo, ", "smp, "


def engines_section(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table a case: milliseconds, and how many times as fast as smp's network in the same engine and arithmetic."""
    text = (
        "Made by `python -m benchmarks.engines`: networks with the same random weights, called in turn, with the C "
        "library as `unetzoo.keep_freed_memory()` sets it. The last column compares calls made one after the other "
        "with smp's network in the same engine and arithmetic, with quartiles; above 1, unetzoo's is faster. Accuracy "
        "in int8 is no matter here: `unetzoo deploy` measures it on images."
    )
    return [machine_line(results[0]["machine"]), text, *(_table(result) for result in results)]


def _table(result: Mapping[str, Any]) -> str:
    *_, measured = result["allocators"].values()
    seconds = measured["seconds"]
    lines = [f"{Case(**result['case']).title}:", "", "| | ms | beside smp |", "|---|---:|---:|"]
    for name in measured["names"]:
        peer = seconds.get(name.replace(_OURS, _THEIRS)) if name.startswith(_OURS) else None
        ratio = with_quartiles(ratios(peer, seconds[name])) if peer else ""
        lines.append(f"| {name} | {median(seconds[name]) * 1e3:,.0f} | {ratio} |")
    return "\n".join(lines)
