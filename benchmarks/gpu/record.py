"""A file of results that is written row by row, so that whatever ends a stage leaves what was measured before."""

import json
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import unetzoo
from unetzoo._utils.time_limit import TimedOut, time_limit
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.errors import describe_error

Row = Mapping[str, Any]
Rows = Iterable[tuple[str, Callable[[], Row]]]
_BEGUN = "the stage ended before this row did"


class Record:
    """The rows of a stage. Those of the same code on the same machine are kept; of any other, the file begins anew.

    Args:
        path: of a JSON file.
        beside: what else the machine does.
    """

    def __init__(self, path: Path, beside: str | None = None) -> None:
        self.path = path
        origin = json.loads(json.dumps({"machine": machine(), "source": source_digest()}))
        before = _read(path)
        same = {name: before.get(name) for name in origin} == origin
        self.content: dict[str, Any] = {**origin, "rows": before["rows"] if same else {}}
        if beside:
            self.content["beside"] = beside

    @property
    def rows(self) -> dict[str, Row]:
        """What was measured, or why it was not, by title."""
        rows: dict[str, Row] = self.content["rows"]
        return rows

    def has(self, title: str) -> bool:
        """Whether a row was measured without an error."""
        return "error" not in self.rows.get(title, {"error": ""})

    def write(self, title: str, row: Row) -> None:
        """Add or replace a row, and write the file."""
        self.rows[title] = row
        self.content["date"] = time.strftime("%Y-%m-%d")
        write_json(self.content, self.path)

    def measure(self, rows: Rows, seconds: float) -> bool:
        """Measure what is not there, for some seconds at most; returns whether all of it is there without an error."""
        end = time.monotonic() + seconds
        complete = True
        for title, call in rows:
            if not self.has(title):
                left = end - time.monotonic()
                self.write(title, {"error": _BEGUN if left > 0 else _too_late(seconds)})
                if left > 0:
                    self.write(title, _attempt(call, left, seconds))
                print(title, self.rows[title].get("error", "is measured"), flush=True)
                complete &= self.has(title)
        return complete


def _attempt(call: Callable[[], Row], left: float, seconds: float) -> Row:
    start = time.monotonic()
    try:
        with time_limit(left):
            row = call()
    except TimedOut:
        return {"error": _too_late(seconds)}
    except Exception as error:  # a network may raise anything; the next row is measured
        return {"error": describe_error(error), "traceback": traceback.format_exc()}
    return {**row, "took": time.monotonic() - start}


def _too_late(seconds: float) -> str:
    return f"the time of the stage, {seconds:,.0f} s, was over"


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content


def source_digest() -> str:
    """Of the package's Python files: other code has other digests."""
    digest = blake2b(digest_size=8)
    for path in sorted(Path(unetzoo.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
