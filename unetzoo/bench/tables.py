"""The rows of a grid as CSV and as Markdown."""

import csv
import io
from collections.abc import Sequence

from unetzoo._utils.texts import cell, markdown
from unetzoo.bench.summary import Row

_NUMBERS = {
    "seeds": ("seeds", "d", 1),
    "mean IoU": ("mean_iou", ".4f", 1),
    "± 95 %": ("interval", ".4f", 1),
    "AP": ("precision", ".4f", 1),
    "AP ± 95 %": ("precision_interval", ".4f", 1),
    "ms": ("latency", ".1f", 1e3),
    "images/s": ("throughput", ".1f", 1),
    "peak MiB": ("peak", ".0f", 2**-20),
    "M parameters": ("parameters", ".2f", 1e-6),
    "G multiply-adds": ("multiply_adds", ".2f", 1e-9),
}  # attribute of a row, format, factor
_TEXTS = ("data", "recipe", "decoder", "encoder", "loss", "objects", "engine", "budget")
_RARE = {  # column, and what fills it
    "recipe": "recipe",
    "objects": "objects",
    "AP": "objects",
    "AP ± 95 %": "objects",
    "engine": "engine",
}
COLUMNS = (*_TEXTS, *_NUMBERS, "Pareto", "error")
"""The columns of a table; milliseconds are for one image."""
TEXTS = (*_TEXTS, "Pareto", "error")
"""The columns without numbers."""


def cells(row: Row) -> dict[str, str]:
    """A row as text by column, empty where nothing was measured."""
    numbers = {name: _number(getattr(row, field), form, factor) for name, (field, form, factor) in _NUMBERS.items()}
    texts = {name: getattr(row, name) for name in _TEXTS}
    return {**texts, **numbers, "Pareto": "yes" if row.optimal else "", "error": row.error}


def columns_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The columns that some row fills: those of objects, engines and recipes where there are any."""
    return tuple(name for name in COLUMNS if name not in _RARE or any(getattr(row, _RARE[name]) for row in rows))


def as_csv(rows: Sequence[Row]) -> str:
    """A table of all columns with a line of headers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(cell, cells(row).values()) for row in rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
    """A table of some of `COLUMNS`, of those of `columns_of` by default; numbers are aligned to the right."""
    columns = columns_of(rows) if columns is None else columns
    rules = ["---:" if name in _NUMBERS else "---" for name in columns]
    lines = [columns, rules, *([texts[name] for name in columns] for texts in map(cells, rows))]
    return "".join(f"| {' | '.join(map(markdown, line))} |\n" for line in lines)


def _number(value: float | None, form: str, factor: float) -> str:
    return "" if value is None else format(value * factor, form)
