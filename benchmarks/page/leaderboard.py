"""Decoders and encoders trained alike: how accurate, and how fast."""

from collections.abc import Mapping
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.summary import summarize
from unetzoo.bench.tables import as_markdown

_EXPLANATION = """\
Made by `python -m benchmarks.leaderboard` on {date}. Every network is trained from nothing for {budget} (crops by
their side) with `{loss}`, and then judged by the part of the nuclei that was held out: mean IoU of both classes with a
95 % interval of Student's t over {seeds} seeds. The time is that of one {size} x {size} image through
`unetzoo.optimize(model)`. Pareto: no other is as fast and more accurate, or as accurate and faster. The same table of
a grid of your own: `unetzoo bench grid` and `unetzoo bench report`."""
_COLUMNS = (
    "decoder", "encoder", "mean IoU", "± 95 %", "ms", "peak MiB", "M parameters", "G multiply-adds", "Pareto",
)  # fmt: skip


def leaderboard_section(results: Mapping[str, Any]) -> list[str]:
    """A table of a grid's results, the most accurate first."""
    rows, done = summarize(results["runs"]), [run for run in results["runs"] if "error" not in run]
    combination = done[0]["combination"]
    text = _EXPLANATION.format(
        **{name: combination[name] for name in ("loss", "size")},
        date=max(run["date"] for run in done),
        budget=rows[0].budget,
        seeds=max(row.seeds for row in rows),
    )
    columns = (*_COLUMNS, "error") if len(done) < len(results["runs"]) else _COLUMNS
    return [machine_line(done[0]["machine"]), text, as_markdown(rows, columns).rstrip()]
