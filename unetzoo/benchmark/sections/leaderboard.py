"""Decoders and encoders trained alike: how accurate, and how fast."""

from collections.abc import Mapping
from typing import Any

from unetzoo.benchmark.sections.machine import told_machine
from unetzoo.leaderboard.summary import Row, summarize

_EXPLANATION = """\
Made by `python benchmarks/leaderboard.py` on {date}. Every network is trained from nothing for {budget} of {batch}
crops of {crop} px with `{loss}`, and then judged by the part of the nuclei that was held out: mean IoU of both classes
in percent, with a 95 % interval of Student's t over {seeds} seeds. The time is that of one {size} x {size} image
through `unetzoo.optimize(model)`. A star: no other is as fast and more accurate, or as accurate and faster."""
_HEAD = """\
| decoder | encoder | mean IoU | ms | peak MiB | M parameters | G multiply-adds | |
|---|---|---:|---:|---:|---:|---:|---|"""


def leaderboard_section(found: Mapping[str, Any]) -> list[str]:
    """A table of a grid's results, the most accurate first."""
    rows, done = summarize(found["runs"]), [run for run in found["runs"] if "error" not in run]
    asked = done[0]["combination"]
    told = _EXPLANATION.format(
        **{name: asked[name] for name in ("batch", "crop", "loss", "size")},
        date=max(run["date"] for run in done),
        budget=rows[0].budget,
        seeds=max(row.seeds for row in rows),
    )
    return [told_machine(done[0]["machine"]), told, "\n".join([_HEAD, *map(_line, rows)])]


def _line(row: Row) -> str:
    if row.mean_iou is None or row.latency is None:
        return f"| {row.decoder} | {row.encoder} | {row.error} | | | | | |"
    iou = f"{100 * row.mean_iou:.1f}" + ("" if row.interval is None else f" ± {100 * row.interval:.1f}")
    peak = "" if row.peak is None else f"{row.peak / 2**20:,.0f}"
    counts = [f"{(row.parameters or 0) / 1e6:.1f}", f"{(row.multiply_adds or 0) / 1e9:.1f}"]
    cells = [row.decoder, row.encoder, iou, f"{row.latency * 1e3:,.0f}", peak, *counts, "★" if row.optimal else ""]
    return f"| {' | '.join(cells)} |"
