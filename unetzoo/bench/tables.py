"""The rows of a leaderboard as CSV and as Markdown."""

import csv
import io
from collections.abc import Sequence

from unetzoo._utils.texts import cell, markdown
from unetzoo.bench.summary import Row

COLUMNS = (
    "data", "decoder", "encoder", "loss", "budget", "seeds", "mean IoU", "± 95 %", "ms", "images/s", "peak MiB",
    "M parameters", "G multiply-adds", "Pareto", "error",
)  # fmt: skip
"""What each row says; milliseconds are those of one image."""
NUMBERS = COLUMNS[5:13]
"""Those that are numbers."""


def cells(row: Row) -> list[str]:
    """A row as text, empty where nothing is known."""
    return [
        row.data,
        row.decoder,
        row.encoder,
        row.loss,
        row.budget,
        str(row.seeds),
        _number(row.mean_iou, ".4f"),
        _number(row.interval, ".4f"),
        _number(row.latency, ".1f", 1e3),
        _number(row.throughput, ".1f"),
        _number(row.peak, ".0f", 2**-20),
        _number(row.parameters, ".2f", 1e-6),
        _number(row.multiply_adds, ".2f", 1e-9),
        "yes" if row.optimal else "",
        row.error,
    ]


def as_csv(rows: Sequence[Row]) -> str:
    """With a line of headers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(cell, cells(row)) for row in rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> str:
    """A table of some of `COLUMNS`; numbers to the right."""
    rules = ["---:" if name in NUMBERS else "---" for name in columns]
    told = [dict(zip(COLUMNS, cells(row), strict=True)) for row in rows]
    lines = [columns, rules, *([one[name] for name in columns] for one in told)]
    return "".join(f"| {' | '.join(map(markdown, line))} |\n" for line in lines)


def _number(value: float | None, form: str, factor: float = 1.0) -> str:
    return "" if value is None else format(value * factor, form)
