"""How long it takes to start."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from unetzoo.bench.timings import ratios


def startup_section(found: Mapping[str, Any]) -> list[str]:
    """Times of processes, and of making a network."""
    processes = ["| process | ms |", "|---|---:|"]
    processes += [f"| {name} | {median(samples) * 1e3:,.0f} |" for name, samples in found["processes"].items()]
    made = ["| encoder | timm.create_model, ms | unetzoo.create of a U-Net, ms | ratio |", "|---|---:|---:|---:|"]
    for encoder, samples in found["create"].items():
        timm, ours = samples["timm.create_model"], samples["unetzoo.create"]
        milliseconds = [f"{median(seconds) * 1e3:,.0f}" for seconds in (timm, ours)]
        made.append(f"| {encoder} | {' | '.join(milliseconds)} | {median(ratios(ours, timm)):.2f} |")
    return ["\n".join(processes), "\n".join(made)]
