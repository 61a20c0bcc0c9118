"""What the trainings of encoders say: which is ahead after each budget, and which to begin with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import fmean, median
from typing import Any

from benchmarks.claims.paired import Difference, Scores, difference, overall
from benchmarks.encoders.candidates import TORCH
from unetzoo._utils.texts import code, count_of

POINTS = 2.0
"""So many points of mean IoU behind the best one an encoder is still worth its speed."""
FEW = 3
"""So many seeds are the fewest for advice."""

Results = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Budget:
    """The trainings with one budget.

    Attributes:
        steps: of each training.
        data: names of the data sets.
        scores: mean IoU by encoder, data set and seed.
        seconds: of the processor, mean of the trainings of an encoder.
    """

    steps: int
    data: Sequence[str]
    scores: Mapping[str, Mapping[str, Scores]]
    seconds: Mapping[str, float]

    @property
    def seeds(self) -> int:
        """How many every training has at least."""
        return min(len(scores) for each in self.scores.values() for scores in each.values())

    @property
    def means(self) -> dict[str, float]:
        """Of each encoder the mean IoU over the data sets in percent, the best first."""
        means = {
            encoder: 100 * fmean(fmean(scores.values()) for scores in each.values())
            for encoder, each in self.scores.items()
        }
        return dict(sorted(means.items(), key=lambda item: -item[1]))

    def lag(self, encoder: str) -> Difference:
        """How far an encoder is behind the best one: its points are at most 0; an interval over the data sets."""
        best = self.scores[next(iter(self.means))]
        lags = (difference(scores, best[data]) for data, scores in self.scores[encoder].items())
        return overall(lag for lag in lags if lag)


def budgets(runs: Results) -> list[Budget]:
    """Those of trainings that begin with the same kind of weights, the short one first; without results of failures.

    A seed of a data set counts once each encoder has it that has any.
    """
    done = [run for run in runs if "error" not in run]
    found = (_budget(done, steps) for steps in sorted({run["combination"]["steps"] for run in done}))
    return [budget for budget in found if budget.data]


def _budget(runs: Results, steps: int) -> Budget:
    """The trainings of so many steps; without data sets as long as none is complete."""
    each: dict[str, dict[tuple[str, int], Mapping[str, Any]]] = defaultdict(dict)
    for run in runs:
        if run["combination"]["steps"] == steps:
            each[encoder_of(run)][run["combination"]["data"], run["combination"]["seed"]] = run
    whole = sorted(set.intersection(*map(set, each.values())))
    data = [name for name, _ in groupby(whole, key=itemgetter(0))]
    scores = {
        encoder: {name: {seed: trained[name, seed]["IoU"]["mean"] for on, seed in whole if on == name} for name in data}
        for encoder, trained in each.items()
    }
    seconds = {
        encoder: fmean([trained[at]["training seconds"] for at in whole] or [0.0]) for encoder, trained in each.items()
    }
    return Budget(steps, data, scores, seconds)


def encoder_of(run: Mapping[str, Any]) -> str:
    """The encoder of a training, with the tag of the weights that it began with, if any."""
    combination = run["combination"]
    return ".".join(filter(None, (combination["encoder"], combination["pretrained"])))


def network_of(encoder: str) -> str:
    """The name of its network, without a tag."""
    return encoder.split(".")[0]


def advice(found: Sequence[Budget], seconds: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Sentences that the results support; fewer where seeds are few.

    Args:
        found: from `budgets`, at least one.
        seconds: of each call of each network, by its way to compute.
    """
    latency = {network: median(ways[TORCH]) for network, ways in seconds.items() if TORCH in ways}
    sentences = [_after(budget) for budget in found]
    near = [name for name in _near(found[0]) if all(name in _near(budget) for budget in found)]
    timed = [name for name in near if network_of(name) in latency]
    choice = min(timed, key=lambda name: latency[network_of(name)], default=None)
    seeds = min(budget.seeds for budget in found)
    best = f"the best one{_at_all(len(found))}"
    if choice is None:
        sentences.append(f"No encoder is within {POINTS:g} points of {best}.")
    else:
        end = ": begin with it." if seeds >= FEW else "."
        sentences.append(f"Of those within {POINTS:g} points of {best}, {code(choice)} is the fastest{end}")
    if seeds < FEW:
        data = min(len(budget.data) for budget in found)
        sentences.append(f"That is a hint and no more: {count_of(seeds, 'seed')} on {count_of(data, 'data set')}.")
    return " ".join(sentences)


def _at_all(count: int) -> str:
    return "" if count == 1 else " at both budgets" if count == 2 else f" at all {count} budgets"


def _after(budget: Budget) -> str:
    best, *others = budget.means
    behind = [name for name in others if budget.lag(name).verdict == "opposite"]
    near = [name for name in _near(budget) if name != best]
    open_ = [name for name in others if name not in behind]
    text = f"After {budget.steps:,} steps {code(best)} has the highest mean IoU, {budget.means[best]:.1f} %"
    text += f"; {_listed(near)} {'is' if len(near) == 1 else 'are'} within {POINTS:g} points" if near else ""
    if not others:
        return f"{text}."
    if not open_:
        return f"{text}; its lead is larger than the interval for every other one."
    if not behind:
        return f"{text}; the interval of no lead leaves zero out."
    return f"{text}; {_listed(behind)} {'is' if len(behind) == 1 else 'are'} behind by more than the interval."


def _near(budget: Budget) -> list[str]:
    """The best one, and those that are not many points behind it."""
    best = next(iter(budget.means))
    return [encoder for encoder, mean in budget.means.items() if budget.means[best] - mean <= POINTS]


def _listed(names: Sequence[str]) -> str:
    *most, last = map(code, names)
    return f"{', '.join(most)} and {last}" if most else last
