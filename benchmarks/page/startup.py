"""How long it takes to start."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from unetzoo.bench.timings import ratios


def startup_section(results: Mapping[str, Any]) -> list[str]:
    """Times of processes, and of making a network."""
    processes = ["| process | ms |", "|---|---:|"]
    processes += [f"| {name} | {median(samples) * 1e3:,.0f} |" for name, samples in results["processes"].items()]
    creation = ["| encoder | timm.create_model, ms | unetzoo.create of a U-Net, ms | ratio |", "|---|---:|---:|---:|"]
    for encoder, samples in results["create"].items():
        timm, ours = samples["timm.create_model"], samples["unetzoo.create"]
        milliseconds = [f"{median(seconds) * 1e3:,.0f}" for seconds in (timm, ours)]
        creation.append(f"| {encoder} | {' | '.join(milliseconds)} | {median(ratios(ours, timm)):.2f} |")
    return ["\n".join(processes), "\n".join(creation)]
