"""How fast large images are predicted."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.timings import ratios


def prediction_section(results: Mapping[str, Any]) -> list[str]:
    """Seconds and ratios for each tile."""
    text = (
        "Made by `python -m benchmarks.prediction`: a U-Net with a ResNet-18, optimized, on an image of random values; "
        "probabilities of two classes. The network alone sees as many pixels as the image has, in squares of side "
        "`tile` without any overlap; a ratio below 1 is slower than that. MONAI is `sliding_window_inference` with the "
        "same network and overlap and Gaussian weights, once with squares, once with the tiles that unetzoo chooses. "
        "All in turn in one run; medians. Per pixel seen counts what overlaps twice, as the network does."
    )
    lines = [
        "| tile, overlap | who | seconds | pixels/s of the network alone | per pixel seen |",
        "|---|---|---:|---:|---:|",
    ]
    for case in results["cases"]:
        pixels = case["size"][0] * case["size"][1]
        alone, *others = case["seconds"].items()
        for name, seconds in (alone, *others):
            ratio = median(ratios(alone[1], seconds))
            seen = f"{ratio * case['seen'] / pixels:.2f}" if name == "unetzoo.predict" else ""
            lines.append(
                f"| {case['tile']}, {case['overlap']} | {name} | {median(seconds):.2f} | {ratio:.2f} | {seen} |"
            )
    return [machine_line(results["machine"]), text, "\n".join(lines)]


def large_section(results: Mapping[str, Any]) -> list[str]:
    """How long one large file took, and its memory."""
    side, seconds, memory = results["side"], results["seconds"], results["beyond the model"] / 2**20
    size = results["file"] / 2**20
    return [
        f"A tiled TIFF of {side:,} x {side:,} pixels (8 bits, {size:,.0f} MB) becomes a tiled TIFF of "
        f"class ids by a small plain U-Net in {seconds:,.0f} s, with {memory:,.0f} MB beyond the loaded network at "
        "most (`python -m benchmarks.prediction --only large`)."
    ]


def scene_section(results: Mapping[str, Any]) -> list[str]:
    """Seconds of the processor and memory of each way for a scene."""
    side, ways = results["side"], results["ways"]
    text = (
        f"Made by `python -m benchmarks.scene`: a tiled GeoTIFF of {side:,} x {side:,} pixels in {results['bands']} "
        f"bands of 16 bits ({results['file'] / 2**20:,.0f} MB) becomes a tiled GeoTIFF of class ids by a small plain "
        "U-Net. The loop reads windows of 2,048 x 2,048 pixels side by side, without the overlap that hides seams. "
        "Each in a process of its own; seconds are those of the processor over all threads, reading and writing "
        "included, and memory is the peak beyond the loaded network."
    )
    lines = ["| who | seconds | million pixels/s | MB |", "|---|---:|---:|---:|"]
    for name, numbers in ways.items():
        seconds, memory = numbers["seconds"], numbers["beyond the model"] / 2**20
        lines.append(f"| {name} | {seconds:,.0f} | {side * side / seconds / 1e6:.2f} | {memory:,.0f} |")
    return [machine_line(results["machine"]), text, "\n".join(lines)]
