"""Results of several seeds in one row each, and which of them nothing beats."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Any

Result = dict[str, Any]
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Row:
    """One network on one data set, over its seeds.

    Attributes:
        decoder: with its options.
        encoder: with its options.
        loss: its expression.
        data: the data set.
        budget: such as `"200 steps of 8 x 128 px"` or `"60 s of 8 x 128 px"`, and options of the training.
        seeds: how many were measured.
        mean_iou: mean over the seeds; None where all failed.
        interval: half the width of its 95 % confidence interval, of Student's t; None with a single seed.
        latency: seconds for one image.
        throughput: images a second.
        peak: bytes that a call takes at most.
        parameters: how many.
        multiply_adds: for one image.
        size: side of that image in pixels.
        optimal: whether none on the same data and timed at the same size is both as fast and more accurate, or as
            accurate and faster.
        error: of the seeds that failed, the first.
        pictures: of each seed, a PNG in base64.
        pruned: of a U-Net++, the networks nested in it: level, mean IoU, latency, parameters.
    """

    decoder: str
    encoder: str
    loss: str
    data: str
    budget: str
    seeds: int
    mean_iou: float | None
    interval: float | None
    latency: float | None
    throughput: float | None
    peak: float | None
    parameters: int | None
    multiply_adds: int | None
    size: int
    optimal: bool
    error: str
    pictures: tuple[str, ...]
    pruned: tuple[dict[str, float], ...]

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.decoder} · {self.encoder} · {self.loss}"


def summarize(results: Sequence[Result]) -> list[Row]:
    """A row for each combination, best first, those that failed last."""
    groups: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for result in results:
        asked = result["combination"]
        groups[tuple(repr(value) for name, value in asked.items() if name != "seed")].append(result)
    rows = [_row(group) for group in groups.values()]
    beside: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        beside[row.data, row.size].append(row)
    fronts = {key: pareto(some) for key, some in beside.items()}
    marked = [Row(**{**vars(row), "optimal": row in fronts[row.data, row.size]}) for row in rows]
    return sorted(marked, key=lambda row: (row.data, -(row.mean_iou if row.mean_iou is not None else -1.0)))


def pareto(rows: Sequence[Row]) -> list[Row]:
    """The rows that no other beats in accuracy without being slower, the fastest first."""
    known = [row for row in rows if row.mean_iou is not None and row.latency is not None]
    front: list[Row] = []
    for row in sorted(known, key=lambda row: (row.latency or 0, -(row.mean_iou or 0))):
        if not front or (row.mean_iou or 0) > (front[-1].mean_iou or 0):
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
    asked = group[0]["combination"]
    done = [result for result in group if "error" not in result]
    ious = [result["accuracy"]["mean"]["IoU"] for result in done if result["accuracy"]["mean"]["IoU"] is not None]
    speeds = [result["speed"] for result in done]

    def middle(name: str) -> float | None:
        values = [speed[name] for speed in speeds if speed[name] is not None]
        return median(values) if values else None

    return Row(
        decoder=asked["decoder"],
        encoder=asked["encoder"],
        loss=asked["loss"],
        data=asked["data"],
        budget=_budget(asked),
        seeds=len(done),
        mean_iou=fmean(ious) if ious else None,
        interval=half_interval(ious),
        latency=middle("latency"),
        throughput=middle("throughput"),
        peak=middle("peak bytes"),
        parameters=speeds[0]["parameters"] if speeds else None,
        multiply_adds=speeds[0]["multiply-adds"] if speeds else None,
        size=asked["size"],
        optimal=False,
        error=next((result["error"] for result in group if "error" in result), ""),
        pictures=tuple(result["picture"] for result in done),
        pruned=_pruned(done),
    )


def _budget(asked: dict[str, Any]) -> str:
    budget = f"{asked['steps']:,} steps" if asked["steps"] else f"{asked['seconds']:g} s"
    crops = f"{budget} of {asked['batch']} x {asked['crop']} px"
    return ", ".join([crops, *(f"{name} {value}" for name, value in asked.get("training", {}).items())])


def _pruned(done: Sequence[Result]) -> tuple[dict[str, float], ...]:
    """Each level's means over the seeds."""
    levels: dict[int, list[dict[str, float]]] = defaultdict(list)
    for result in done:
        for one in result["pruned"]:
            levels[one["level"]].append(one)
    names = ("mean IoU", "latency", "parameters")
    return tuple(
        {"level": level, **{name: fmean(one[name] for one in found) for name in names}}
        for level, found in sorted(levels.items())
    )
