"""What the images that `unetzoo suggest` names are worth, beside images at random."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.claims.paired import difference
from unetzoo._utils.texts import count_of

_EXPLANATION = """\
Made by `python -m benchmarks.labeling`: a network learns from {first} images at random, then {more} more of the pool
get their masks, again and again, and a new network is trained on all of them. Which ones is drawn at random, or they
are those that `unetzoo.suggest` names, by the entropy of the network's probabilities or by the disagreement of its four
mirror images. Mean IoU on the test images in percent, means over the seeds; data sets of the [panel](#panel). The
differences below are those of the mean over all rounds after the first, paired by seed, with 95 % intervals of
Student's t."""
_RANDOM = "random"

Results = Sequence[Mapping[str, Any]]


def labeling_section(results: Results) -> list[str]:
    """Paragraphs, a table with a row for each data set and way to choose, and what the differences say."""
    first, *_, last = _counts(results[0])
    text = _EXPLANATION.format(first=first, more=(last - first) // (len(results[0]["IoU"]) - 1))
    notes = "\n".join(f"- {note}" for note in _notes(results))
    return [text, "\n".join(labeling_rows(results)), *([notes] if notes else [])]


def labeling_rows(results: Results) -> Iterator[str]:
    """The lines of a table in Markdown: mean IoU in percent after each round, over the seeds."""
    labels = _counts(results[0])
    yield f"| data | images by | {' | '.join(f'{count} labeled' for count in labels)} | seeds |"
    yield f"|---|---|{'---:|' * (len(labels) + 1)}"
    for data, strategy in _kinds(results):
        rows = [run["IoU"] for run in results if _kind(run) == (data, strategy)]
        means = " | ".join(f"{100 * fmean(column):.1f}" for column in zip(*rows, strict=True))
        yield f"| {data} | {strategy} | {means} | {len(rows)} |"


def _notes(results: Results) -> Iterator[str]:
    for data, strategy in _kinds(results):
        gain = difference(_scores(results, (data, strategy)), _scores(results, (data, _RANDOM)))
        if strategy != _RANDOM and gain:
            beside = f"{data}, by {strategy} instead of at random: {gain} points over {count_of(gain.seeds, 'seed')}"
            yield f"{beside}; that it helps: {gain.verdict}."


def _counts(run: Mapping[str, Any]) -> list[int]:
    """Numbers of labeled images in the rounds of a run."""
    rounds, total = len(run["IoU"]), len(run["labeled"])
    return [total * number // rounds for number in range(1, rounds + 1)]


def _kinds(results: Results) -> list[tuple[str, str]]:
    return sorted({_kind(run) for run in results}, key=lambda kind: (kind[0], kind[1] != _RANDOM, kind[1]))


def _kind(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["combination"]["data"], run["combination"]["strategy"]


def _scores(results: Results, kind: tuple[str, str]) -> dict[int, float]:
    """Of each seed the mean over the rounds in which images were chosen."""
    return {run["combination"]["seed"]: fmean(run["IoU"][1:]) for run in results if _kind(run) == kind}
