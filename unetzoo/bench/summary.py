"""Results of several seeds in one row each, and which rows are Pareto-optimal."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev
from typing import Any

from unetzoo.bench.store import Result

_CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network on one data set, over its seeds.

    Attributes:
        decoder: with its options.
        encoder: with its options.
        loss: its expression, or that of the default for the data; empty for a network of objects.
        objects: coding of the objects, with its options; empty: none.
        engine: by which it is timed; empty: torch.
        recipe: that names the parts and the options of the training; empty: none.
        data: the data set.
        budget: such as `"200 steps of 8 x 128 px"` or `"60 s of 8 x 128 px"`, and options of the training.
        seeds: the number of those that did not fail.
        mean_iou: mean over the seeds; None where all failed.
        interval: half the width of its 95 % confidence interval, of Student's t; None with a single seed.
        precision: average precision of objects over IoUs from 0.5 to 0.95, mean over the seeds; None without objects.
        precision_interval: half the width of its interval.
        latency: seconds for one image.
        throughput: images a second.
        peak: bytes that a call takes at most.
        parameters: their number.
        multiply_adds: for one image.
        size: side of that image in pixels.
        optimal: whether no row on the same data, timed at the same size, is as fast and more accurate, or as accurate
            and faster.
        error: that of the first seed that failed.
        pictures: of each seed, a PNG in base64.
        pruned: of a U-Net++, the networks nested in it: level, mean IoU, latency, parameters, AP of objects.
    """

    decoder: str
    encoder: str
    loss: str
    objects: str
    engine: str
    recipe: str
    data: str
    budget: str
    seeds: int
    mean_iou: float | None
    interval: float | None
    precision: float | None
    precision_interval: float | None
    latency: float | None
    throughput: float | None
    peak: float | None
    parameters: float | None
    multiply_adds: float | None
    size: int
    optimal: bool = False
    error: str
    pictures: tuple[str, ...]
    pruned: tuple[dict[str, float], ...]

    @property
    def title(self) -> str:
        """Such as `unet · resnet18 · dice + ce`; after a recipe's name, and before that of an engine, if there are."""
        return " · ".join(filter(None, (self.recipe, self.decoder, self.encoder, self.target, self.engine)))

    @property
    def target(self) -> str:
        """The loss, or the coding of objects."""
        return self.loss or self.objects

    @property
    def score(self) -> float | None:
        """What rows are compared by: the average precision of objects, or the mean IoU."""
        return self.precision if self.objects else self.mean_iou

    @property
    def score_interval(self) -> float | None:
        """Half the width of its interval."""
        return self.precision_interval if self.objects else self.interval

    @property
    def score_name(self) -> str:
        """What `score` is."""
        return "AP" if self.objects else "mean IoU"


def summarize(results: Sequence[Result]) -> list[Row]:
    """A row for each combination, the most accurate first, those that failed last."""
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in results:
        fields = result["combination"]
        groups[tuple(repr(value) for name, value in fields.items() if name != "seed")].append(result)
    rivals: dict[tuple[str, int, str], list[Row]] = defaultdict(list)
    for row in map(_row, groups.values()):
        rivals[row.data, row.size, row.score_name].append(row)
    rows = [replace(row, optimal=row in front) for some in rivals.values() for front in [pareto(some)] for row in some]
    return sorted(rows, key=lambda row: (row.data, row.score_name, -(row.score if row.score is not None else -1.0)))


def pareto(rows: Sequence[Row]) -> list[Row]:
    """The rows that no other row beats in accuracy without being slower, the fastest first."""
    measured = [(row.latency, row.score, row) for row in rows if row.score is not None and row.latency is not None]
    front, best = [], -math.inf
    for _, score, row in sorted(measured, key=lambda item: (item[0], -item[1])):
        if score > best:
            best = score
            front.append(row)
    return front


def half_interval(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % confidence interval of a mean, by Student's t; None for a single value."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    quantile = float(t.ppf(0.5 + _CONFIDENCE / 2, len(values) - 1))
    return quantile * stdev(values) / math.sqrt(len(values))


def _row(group: Sequence[Result]) -> Row:
    combination = group[0]["combination"]
    done = [result for result in group if "error" not in result]
    ious = _numbers(result["accuracy"]["mean"]["IoU"] for result in done)
    precisions = _numbers(result["accuracy"].get("objects", {}).get("AP") for result in done)

    def middle(name: str) -> float | None:
        values = _numbers(result["speed"][name] for result in done)
        return median(values) if values else None

    return Row(
        **{name: combination[name] for name in ("decoder", "encoder", "data", "size")},
        **{name: combination.get(name, "") for name in ("objects", "engine", "recipe")},
        loss=combination["loss"] or next((result["loss"] for result in done if "loss" in result), ""),
        budget=_budget(combination),
        seeds=len(done),
        mean_iou=fmean(ious) if ious else None,
        interval=half_interval(ious),
        precision=fmean(precisions) if precisions else None,
        precision_interval=half_interval(precisions),
        latency=middle("latency"),
        throughput=middle("throughput"),
        peak=middle("peak bytes"),
        parameters=middle("parameters"),
        multiply_adds=middle("multiply-adds"),
        error=next((result["error"] for result in group if "error" in result), ""),
        pictures=tuple(result["picture"] for result in done),
        pruned=_pruned(done),
    )


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _budget(combination: dict[str, Any]) -> str:
    budget = f"{combination['steps']:,} steps" if combination["steps"] else f"{combination['seconds']:g} s"
    crops = f"{budget} of {combination['batch']} x {combination['crop']} px"
    return ", ".join([crops, *(f"{name} {value}" for name, value in combination.get("training", {}).items())])


def _pruned(done: Sequence[Result]) -> tuple[dict[str, float], ...]:
    """Means of each level over the seeds."""
    levels: dict[int, list[dict[str, float]]] = defaultdict(list)
    for result in done:
        for level in result["pruned"]:
            levels[level["level"]].append(level)
    names = ("mean IoU", "AP", "latency", "parameters")
    return tuple(
        {"level": level, **{name: fmean(each[name] for each in some) for name in names if name in some[0]}}
        for level, some in sorted(levels.items())
    )
