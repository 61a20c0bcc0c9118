"""What `unetzoo predict` prints at its end: what became of the images, and why."""

import os
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo.cli.errors import MOST_SHOWN, exit_for, say_more
from unetzoo.cli.output import say, show_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from unetzoo.inference.files.predictor import FilePrediction

_MOST_NAMES = 3
_LABELS = {
    "predicted": "predicted",
    "again": "predicted again",
    "kept": "kept, there already (--overwrite replaces them)",
    "foreign": "left alone (--overwrite replaces them)",
    "failed": "failed",
}


def report(
    results: "Iterable[FilePrediction]",
    targets: "Sequence[Path]",
    json: str | None,
    *,
    about_objects: "Mapping[str, Path]",
    on_result: "Callable[[], None]",
) -> None:
    """Print what became of the images; exit code 3 where some failed, 4 where all did.

    Args:
        results: of the images, as they are finished.
        targets: the file of each image.
        json: file of the same as JSON, `-` to print that instead; None: no JSON.
        about_objects: files and folders of tables, outlines and pictures, by what they are.
        on_result: called after each image.
    """
    finished = list(_warned(results, on_result))
    counts = Counter(map(_kind, finished))
    plain = [_plain(result) for result in finished]
    value = {"counts": dict(Counter(result.state for result in finished)), "results": plain}
    files = about_objects.items() if counts["failed"] < len(finished) else ()
    show_result(value, json, *_lines(finished, counts, targets), *(f"{name}: {path}" for name, path in files))
    exit_for(counts["failed"], len(finished) - counts["failed"])


def _plain(result: "FilePrediction") -> dict[str, object]:
    """Plain data for JSON."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(result).items()}


def _warned(results: "Iterable[FilePrediction]", on_result: "Callable[[], None]") -> "Iterable[FilePrediction]":
    """The results; errors and the first warnings are printed as they come."""
    doubtful = hidden = 0
    for result in results:
        doubtful += bool(result.warnings)
        if doubtful <= MOST_SHOWN:
            for warning in result.warnings:
                say("warning:", "yellow", f"{result.image}: {warning}")
        else:
            hidden += len(result.warnings)
        if result.state == "failed":
            say("error:", "red", result.reason)
        on_result()
        yield result
    say_more(hidden)


def _kind(result: "FilePrediction") -> str:
    if not result.reason or result.state == "failed":
        return result.state
    return "again" if result.state == "predicted" else "foreign"


def _lines(results: "Sequence[FilePrediction]", counts: Counter[str], targets: "Sequence[Path]") -> "Iterator[str]":
    """What became of the images; warns of files that are left alone."""
    folder = Path(os.path.commonpath([target.parent for target in targets]))
    if len(targets) > 1 or not counts["failed"]:
        parts = [f"{counts[kind]:,} {label}" for kind, label in _LABELS.items() if counts[kind]]
        yield f"{', '.join(parts)}: {targets[0] if len(targets) == 1 else folder}"
    names: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for result in results:
        if result.reason and result.state != "failed":
            names[_kind(result), result.reason].append(str(result.file.relative_to(folder)))
    for (kind, reason), files in names.items():
        more = f" and {len(files) - _MOST_NAMES:,} more" if len(files) > _MOST_NAMES else ""
        listed = f"{', '.join(files[:_MOST_NAMES])}{more}"
        if kind == "foreign":
            say("warning:", "yellow", f"left alone, {reason}: {listed}")
        else:
            yield f"predicted again, {reason}: {listed}"
