"""What a new process needs until it has the logits of its first image."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.case import Case


def first_image_section(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table a case: seconds until the network is loaded, those of the first image, and the peak of the memory."""
    text = (
        "Made by `python -m benchmarks.first_image`: each row is a new process, medians of processes that take turns. "
        "load: from its first line to a network that is ready, imports among them; first image: from there to its "
        "logits; peak: the resident memory of the whole process. All have the same weights. smp's files of OpenVINO "
        "are run without torch, by OpenVINO alone; this project's folders are those that `unetzoo.save` and "
        "`unetzoo deploy` write, which are checked as they are read."
    )
    return [machine_line(results[0]["machine"]), text, *(_table(result) for result in results)]


def _table(result: Mapping[str, Any]) -> str:
    lines = [
        f"{Case(**result['case']).title}:",
        "",
        "| | load, s | first image, s | peak MiB |",
        "|---|---:|---:|---:|",
    ]
    for way, samples in result["ways"].items():
        load, first, peak = (median(samples[kind]) for kind in ("load", "first image", "peak MiB"))
        lines.append(f"| {way} | {load:.2f} | {first:.2f} | {peak:,.0f} |")
    return "\n".join(lines)
