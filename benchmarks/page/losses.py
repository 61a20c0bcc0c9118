"""Each loss beside the same one of a peer."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.timings import ratios


def losses_section(results: Mapping[str, Any]) -> list[str]:
    """Ratios of each pair."""
    text = (
        "Made by `python -m benchmarks.losses`: forward and backward on 4 images of 512 x 512 pixels, 1 or 4 classes, "
        "float32, with options that make both the same loss. Called in turn in one run, the allocator keeping freed "
        "memory; faster than the peer: the median of the ratios. Peak: how much the process grows while it returns "
        "freed memory. Saved: what is kept for the backward pass beside logits and target."
    )
    lines = [
        "| loss | peer | target | ms | faster than it | peak MiB | peer's | saved MiB | peer's | value | peer's |",
        "|---|---|---|" + "---:|" * 8,
    ]
    for case in results["losses"]:
        seconds, peak, saved, values = (case[name] for name in ("seconds", "peak_bytes", "saved_bytes", "values"))
        cells = [
            f"`{case['loss']}`",
            case["peer"],
            case["task"],
            f"{median(seconds['ours']) * 1e3:.1f}",
            f"{median(ratios(seconds['peer'], seconds['ours'])):.2f}",
            *(f"{bytes_[who] / 2**20:,.0f}" for bytes_ in (peak, saved) for who in ("ours", "peer")),
            *(f"{values[who]:.4f}" for who in ("ours", "peer")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [machine_line(results["machine"]), text, "\n".join(lines), _first_touch(results["first touch"])]


def _first_touch(seconds: Mapping[str, Any]) -> str:
    before, after = (f"{median(seconds[when]) * 1e3:.1f} ms" for when in ("before", "after"))
    return (
        f"In a new process torch's own `binary_cross_entropy_with_logits` takes {before}, and {after} once "
        "`unetzoo.create_loss` was called, which loads a page of constants that torch's logarithms otherwise miss "
        "again and again (`unetzoo/losses/first_touch.py`). The peers above gain from it, too."
    )
