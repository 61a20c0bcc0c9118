"""What networks learn from scribbles, beside whole masks."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.claims.paired import Difference, difference, overall
from benchmarks.page.machine import machine_line

_EXPLANATION = """\
Made by `python -m benchmarks.scribbles`: a small U-Net (`unet(widths=(48, 24, 12))` over
`plain(widths=(12, 24, 48, 96))`) is trained by `fit` with its defaults for {steps} steps of 4 x 64 px on the data sets
of the [panel](#panel), of whose masks strokes are labeled: straight, twelve pixels long, each within one class, until
they are so large a share of the pixels; each class of an image has one stroke at least, which in images with thin
objects is the larger part. A stroke ends where its class does, so that thin objects and borders have fewer labels than
the middle of large ones, at 20 % too. Images to validate with have strokes, too. Mean IoU on whole test masks in
percent, means over {seeds} seeds; in brackets, how far that is from whole masks, paired by seed."""
_WHOLE = 1.0

Results = Sequence[Mapping[str, Any]]


def scribbles_section(results: Results) -> list[str]:
    """Paragraphs, and a table with a row for each data set."""
    seeds = len({run["combination"]["seed"] for run in results})
    text = _EXPLANATION.format(steps=results[0]["combination"]["steps"], seeds=seeds)
    return [machine_line(results[0]["machine"]), text, scribbles_table(results)]


def scribbles_table(results: Results) -> str:
    """A row for each data set, a column for each share, and a row with the mean difference from whole masks."""
    shares = sorted({run["combination"]["share"] for run in results})
    lines = [f"| data | {' | '.join(_title(results, share) for share in shares)} |", f"|---|{'---:|' * len(shares)}"]
    lines += _rows(results, shares)
    means = [overall(found.values()) if (found := _losses(results, share)) else None for share in shares]
    lines.append(
        f"| mean difference from whole masks | {' | '.join('' if one is None else str(one) for one in means)} |"
    )
    return "\n".join(lines)


def _title(results: Results, share: float) -> str:
    if share == _WHOLE:
        return "whole masks"
    labeled = median(run["labeled"] for run in results if run["combination"]["share"] == share)
    return f"{100 * share:g} % labeled (median {100 * labeled:.1f} %)"


def _rows(results: Results, shares: Sequence[float]) -> Iterator[str]:
    for data in _names(results):
        cells = []
        for share in shares:
            scores, loss = _scores(results, data, share), _losses(results, share).get(data)
            points = "" if loss is None else f" ({loss.points:+.1f})"
            cells.append(f"{100 * fmean(scores.values()):.1f}{points}" if scores else "")
        yield f"| {data} | {' | '.join(cells)} |"


def _losses(results: Results, share: float) -> dict[str, Difference]:
    """By data set, the difference from whole masks; empty for whole masks."""
    if share == _WHOLE:
        return {}
    each = {name: difference(_scores(results, name, share), _scores(results, name, _WHOLE)) for name in _names(results)}
    return {name: one for name, one in each.items() if one}


def _scores(results: Results, data: str, share: float) -> dict[int, float]:
    chosen = [run for run in results if (run["combination"]["data"], run["combination"]["share"]) == (data, share)]
    return {run["combination"]["seed"]: run["IoU"] for run in chosen}


def _names(results: Results) -> list[str]:
    return sorted({run["combination"]["data"] for run in results})
