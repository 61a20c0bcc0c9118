"""Accuracies of the same seeds under two conditions, and what their difference decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from unetzoo.bench.summary import half_interval

Scores = Mapping[int, float]
"""Mean IoU of each seed, 0 to 1."""


@dataclass(frozen=True)
class Difference:
    """How much more accurate one network is than another, over the seeds of both.

    Attributes:
        points: mean difference of the mean IoU, in percentage points.
        interval: half the width of its 95 % confidence interval, of Student's t; None with less than two seeds.
        seeds: how many both have; of a mean over data sets, the number of these.
    """

    points: float
    interval: float | None
    seeds: int

    @property
    def verdict(self) -> str:
        """Whether it is positive: what the interval says, if there is one that leaves zero out."""
        if self.interval is None or abs(self.points) <= self.interval:
            return "not decided"
        return "holds" if self.points > 0 else "opposite"

    def __str__(self) -> str:
        """Such as `"+1.20 ± 0.40"`."""
        return f"{self.points:+.2f}" + ("" if self.interval is None else f" ± {self.interval:.2f}")


def scores_of(results: Sequence[Mapping[str, Any]], name: str, data: str | None = None) -> dict[int, float]:
    """The mean IoU of each seed of the runs of that name, on that data set where runs have several.

    Runs without a score, such as those that failed, are left out.
    """
    return {
        result["combination"]["seed"]: result["accuracy"]["mean"]["IoU"]
        for result in results
        if result["name"] == name and "accuracy" in result and data in (None, result["combination"].get("data"))
    }


def difference(better: Scores, worse: Scores) -> Difference | None:
    """Of what a claim says to be the better one, and the other; None where they share no seed."""
    both = sorted(better.keys() & worse.keys())
    if not both:
        return None
    values = [100 * (better[seed] - worse[seed]) for seed in both]
    return Difference(fmean(values), half_interval(values), len(both))


def overall(differences: Iterable[Difference]) -> Difference:
    """The mean over data sets, each of the same weight, with an interval over them; there is at least one."""
    points = [one.points for one in differences]
    return Difference(fmean(points), half_interval(points), len(points))


def percent(scores: Scores) -> str:
    """The mean over the seeds, in percent, such as `"92.31"`; they are not empty."""
    return f"{100 * fmean(scores.values()):.2f}"
