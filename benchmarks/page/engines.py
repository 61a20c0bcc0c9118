"""How fast engines compute this project's network and smp's."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.case import Case
from unetzoo.bench.timings import ratios, with_quartiles

_OURS, _THEIRS = "unetzoo, ", "smp, "


def engines_section(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table a case: milliseconds, how many times as fast as smp's network in the same engine, and the IoU."""
    text = (
        "Made by `python -m benchmarks.engines`: this project's network learns the nuclei in steps of 4 x 128 px, and "
        "smp's has the same weights. Both are called in turn, with the C library as `unetzoo.keep_freed_memory()` sets "
        "it. The column beside smp compares calls made one after the other with "
        "smp's network in the same engine and arithmetic, with quartiles; above 1, unetzoo's is faster. IoU: of the "
        "nuclei, in the part of the image that the training did not see, in percent."
    )
    return [machine_line(results[0]["machine"]), text, *(_table(result) for result in results)]


def _table(result: Mapping[str, Any]) -> str:
    *_, measured = result["allocators"].values()
    seconds = measured["seconds"]
    title = f"{Case(**result['case']).title}, trained for {result['steps']:,} steps:"
    lines = [title, "", "| | ms | beside smp | IoU |", "|---|---:|---:|---:|"]
    for name in measured["names"]:
        peer = seconds.get(name.replace(_OURS, _THEIRS)) if name.startswith(_OURS) else None
        ratio = with_quartiles(ratios(peer, seconds[name])) if peer else ""
        lines.append(f"| {name} | {median(seconds[name]) * 1e3:,.0f} | {ratio} | {100 * result['IoU'][name]:.2f} |")
    return "\n".join(lines)
