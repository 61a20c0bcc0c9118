"""How many images a server answers, beside `unetzoo predict`."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.timings import ratios


def serve_section(results: Mapping[str, Any]) -> list[str]:
    """Images a second of both, and the memory of the server."""
    size, requests, clients = results["size"], results["requests"], results["clients"]
    seconds, rounds = results["seconds"], len(results["memory"])
    text = (
        f"Made by `python -m benchmarks.serve`: {requests} requests of {clients} clients at once to `unetzoo serve`, "
        f"and as many images by the loop of `unetzoo predict`, in {rounds} turns. PNG images of {size} x {size} px; "
        f"a U-Net with a {results['encoder']}. The clients run on the same processor; the load of the machine was "
        f"{results['load']:.1f} at the end, its own processes included."
    )
    lines = ["| who | images/s | of predict's | MB after the first and the last turn |", "|---|---:|---:|---:|"]
    for who, samples in seconds.items():
        rate = requests / rounds / median(samples)
        share = f"{median(ratios(seconds['predict'], samples)):.2f}" if who != "predict" else ""
        memory = [f"{results['memory'][turn] / 1e6:,.0f}" for turn in (0, -1)] if who == "serve" else []
        lines.append(f"| unetzoo {who} | {rate:.1f} | {share} | {' and '.join(memory)} |")
    wrong = results["wrong"]
    said = "Each answer was, byte for byte, what predict writes." if not wrong else f"{wrong} answers were wrong."
    return [machine_line(results["machine"]), text, "\n".join(lines), said]
