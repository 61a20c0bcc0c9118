"""Crops a second beside the peers."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.timings import ratios


def crops_section(results: Mapping[str, Any]) -> list[str]:
    """A row for each library and number of channels."""
    peers = ", ".join(f"{name} {version}" for name, version in results["peers"].items())
    text = (
        "Made by `python -m benchmarks.crops`: crops of 256 x 256 pixels from an image of 8 bits in memory, each "
        "turned and mirrored, half of them rotated and scaled, 0.3 deformed elastically, with gamma, contrast and "
        "brightness, 0.15 with blur and 0.15 with noise, then normalized; image and mask alike. Per second of one "
        "core, called in turn in one run; faster: the median of the ratios. albumentations computes with 8 bits, and "
        f"by its fast form of elastic deformation; the others with float32. Beside {peers}."
    )
    lines = ["| channels | library | crops a second | unetzoo is faster by |", "|---:|---|---:|---:|"]
    for case in results["crops"]:
        ours = case["seconds"]["unetzoo"]
        for name, times in case["seconds"].items():
            factor = "" if name == "unetzoo" else f"{median(ratios(times, ours)):.2f}"
            lines.append(f"| {case['channels']} | {name} | {case['crops'] / median(times):.0f} | {factor} |")
    return [machine_line(results["machine"]), text, "\n".join(lines)]
