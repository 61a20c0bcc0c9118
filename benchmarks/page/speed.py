"""Time and memory of a network beside the peers, a table a case."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.page.machine import machine_line
from unetzoo.bench.case import Case
from unetzoo.bench.timings import EXPLANATION, comparisons, timings

Result = Mapping[str, Any]

_MORE = "The first is segmentation_models_pytorch as it comes. saved: maps that training keeps for the backward pass."
_HEAD = """\
| | | ms | faster than the first | peak MiB | saved MiB | difference |
|---|---|---:|---:|---:|---:|---:|"""


def load_cases(results: Path) -> list[dict[str, Any]]:
    """The results of all cases in a folder, in the order of the cases."""
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*px-*.json")]
    return sorted(cases, key=lambda result: tuple(str(value).zfill(5) for value in result["case"].values()))


def speed_section(cases: Sequence[Result]) -> list[str]:
    """Paragraphs and a table for each case."""
    return [
        machine_line(cases[0]["machine"]),
        f"{EXPLANATION}\n{_MORE}",
        *(part for case in cases for part in _parts(case)),
    ]


def _parts(result: Result) -> Iterator[str]:
    yield f"### {Case(**result['case']).title}"
    yield "\n".join([_HEAD, *_rows(result)])
    yield from (f"{comparison}." for comparison in comparisons(result))


def _rows(result: Result) -> Iterator[str]:
    for timing in timings(result):
        numbers = (timing.milliseconds, timing.ratio, timing.peak, timing.saved, timing.difference)
        yield f"| {timing.allocator} | {timing.contender} | {' | '.join(numbers)} |"
