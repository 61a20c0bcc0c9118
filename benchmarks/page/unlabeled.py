"""What networks learn from images without masks, by a mean teacher."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.claims.paired import Difference, difference, overall
from benchmarks.page.machine import machine_line
from unetzoo._utils.texts import count_of

_EXPLANATION = """\
Made by `python -m benchmarks.unlabeled`: a small U-Net (`unet(widths=(48, 24, 12))` over
`plain(widths=(12, 24, 48, 96))`) is trained as `fit` does with its defaults on 4 x 64 px a step, with masks for 2, 5 or
10 images of a data set of the [panel](#panel) and none held out. With a mean teacher (arXiv:1703.01780) it sees 4 crops
more a step, of all other images to train on: the moving average of the weights gives their target, and the network sees
them with other colors. Mean IoU on the test images in percent without the teacher; in brackets, how far the training
with it is from that, paired by seed. Of vessels there are 5 images to train on and of documents 10, so that with as
many masks none is left. A network that never finds a crack has 49.7 % there."""

Results = Sequence[Mapping[str, Any]]


def unlabeled_section(results: Results) -> list[str]:
    """Paragraphs, and a table for each number of steps with a row for each data set."""
    return [machine_line(results[0]["machine"]), _EXPLANATION, *unlabeled_tables(results)]


def unlabeled_tables(results: Results) -> Iterator[str]:
    """For each number of steps a title and a table, with a column for each number of labeled images."""
    for steps in sorted({run["combination"]["steps"] for run in results}):
        runs = [run for run in results if run["combination"]["steps"] == steps]
        yield f"{steps:,} steps; with the teacher a step takes {_times(runs):.1f} times as long:"
        yield _table(runs)


def _table(runs: Results) -> str:
    """A row for each data set, the mean difference over them, and on how many the teacher helps."""
    counts = sorted({run["combination"]["labeled"] for run in runs})
    names = sorted({run["combination"]["data"] for run in runs})
    columns = [{name: pair for name in names if (pair := _compared(runs, name, count))} for count in counts]
    seeds = [max(one.seeds for _, one in column.values()) for column in columns]
    titles = [f"{count} labeled, {count_of(seed, 'seed')}" for count, seed in zip(counts, seeds, strict=True)]
    means = (str(overall(one for _, one in column.values())) for column in columns)
    better = (f"{sum(one.points > 0 for _, one in column.values())} of {len(column)}" for column in columns)
    return "\n".join(
        [
            f"| data | {' | '.join(titles)} |",
            f"|---|{'---:|' * len(counts)}",
            *(f"| {name} | {' | '.join(_cell(column.get(name)) for column in columns)} |" for name in names),
            f"| mean difference | {' | '.join(means)} |",
            f"| better with the teacher | {' | '.join(better)} |",
        ]
    )


def _cell(pair: tuple[float, Difference] | None) -> str:
    return f"{100 * pair[0]:.1f} ({pair[1].points:+.1f})" if pair else ""


def _compared(runs: Results, data: str, count: int) -> tuple[float, Difference] | None:
    """The mean IoU without the teacher, and how far the training with it is from that; None where one is missing."""
    alone, taught = (_scores(runs, data, count, teacher=one) for one in (False, True))
    found = difference(taught, alone)
    return (fmean(alone[seed] for seed in alone if seed in taught), found) if found else None


def _scores(runs: Results, data: str, count: int, *, teacher: bool) -> dict[int, float]:
    """By seed."""
    return {
        run["combination"]["seed"]: run["IoU"]
        for run in runs
        if [run["combination"][name] for name in ("data", "labeled", "teacher")] == [data, count, teacher]
    }


def _times(runs: Results) -> float:
    """How many times as long a step takes with the teacher, of the medians."""
    alone, taught = (
        median(run["seconds of a step"] for run in runs if run["combination"]["teacher"] == one)
        for one in (False, True)
    )
    return float(taught / alone)
