"""What `unetzoo predict` says at its end: what became of the images, and why."""

import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo.cli.errors import MOST_SHOWN, exit_for, say_more
from unetzoo.cli.output import say, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unetzoo.inference.files.jobs import Job, Outcome

_MOST_NAMES = 3
_LABELS = {
    "predicted": "predicted",
    "again": "predicted again",
    "kept": "kept, there already (--overwrite makes them anew)",
    "foreign": "left alone (--overwrite replaces them)",
    "failed": "failed",
}


def report(outcomes: "Iterator[Outcome]", jobs: "Sequence[Job]") -> None:
    """Say what became of the images; exit code 3 where some failed, 4 where all did."""
    folder = Path(os.path.commonpath([job.target.parent for job in jobs]))
    counts: Counter[str] = Counter()
    names: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    doubtful = 0
    for outcome in outcomes:
        doubtful += bool(outcome.doubts)
        if doubtful <= MOST_SHOWN:
            _say_doubts(outcome)
        kind = _kind(outcome)
        counts[kind] += 1
        if kind == "failed":
            say("error:", "red", outcome.reason)
        elif outcome.reason:
            names[kind, outcome.reason].append(str(outcome.job.target.relative_to(folder)))
    say_more(doubtful)
    if len(jobs) > 1 or not counts["failed"]:
        told = [f"{counts[kind]:,} {label}" for kind, label in _LABELS.items() if counts[kind]]
        show(f"{', '.join(told)}: {jobs[0].target if len(jobs) == 1 else folder}")
    for (kind, reason), files in names.items():
        _say_why(kind, reason, files)
    exit_for(counts["failed"], len(jobs) - counts["failed"])


def _say_doubts(outcome: "Outcome") -> None:
    for doubt in outcome.doubts:
        say("warning:", "yellow", f"{outcome.job.source}: {doubt}")


def _kind(outcome: "Outcome") -> str:
    if not outcome.reason or outcome.state == "failed":
        return outcome.state
    return "again" if outcome.state == "predicted" else "foreign"


def _say_why(kind: str, reason: str, files: list[str]) -> None:
    more = f" and {len(files) - _MOST_NAMES:,} more" if len(files) > _MOST_NAMES else ""
    listed = f"{', '.join(files[:_MOST_NAMES])}{more}"
    if kind == "foreign":
        say("warning:", "yellow", f"left alone, {reason}: {listed}")
    else:
        show(f"predicted again, {reason}: {listed}")
