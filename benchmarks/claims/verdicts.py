"""What papers claim, each claim with what was measured here and whether it holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from benchmarks.claims import networks
from benchmarks.claims.networks import DATA, FCN
from benchmarks.claims.paired import Difference, Scores, difference, percent, scores_of
from benchmarks.claims.patch_runs import SIDES

Results = Sequence[Mapping[str, Any]]
_CIRESAN = "Cireşan et al. 2012"
_LONG = "Long et al. 2015, arXiv:1411.4038"
_RONNEBERGER = "Ronneberger et al. 2015, arXiv:1505.04597"
_ZHOU = "Zhou et al. 2018, arXiv:1807.10165"
_LOST, _SAVED = 1.0, 0.25  # points of IoU that L3 may lose, share of the time that it must save


@dataclass(frozen=True)
class Claim:
    """One row.

    Attributes:
        says: what is claimed.
        paper: by whom.
        data: on which it was measured.
        measured: what came out.
        seeds: of the trainings; 0: nothing was trained.
        verdict: `"holds"`, `"opposite"` or `"not decided"`.
    """

    says: str
    paper: str
    data: str
    measured: str
    seeds: int
    verdict: str


def claims(results: Mapping[str, Any]) -> list[Claim]:
    """All that the results of `python -m benchmarks.claims` suffice for."""
    parts: tuple[Callable[[Mapping[str, Any]], Iterator[Claim]], ...] = (
        _work,
        _patches,
        _augmentation,
        _nested,
        _pruning,
        _fcn,
    )
    return [claim for part in parts for claim in part(results)]


def _work(results: Mapping[str, Any]) -> Iterator[Claim]:
    """How much of a sliding window's work is done again and again, and how long it takes."""
    redundant = {int(result["name"]): result["redundant"] for result in results["patches"]}
    if redundant:
        shares = ", ".join(f"{100 * redundant[side]:.1f} % at {side} px" for side in sorted(redundant))
        sentence = "Neighboring patches overlap, so that nearly all of the work is done again and again"
        yield Claim(sentence, _CIRESAN, "nuclei", f"redundant: {shares}", 0, _holds(min(redundant.values()) > 0.9))
    seconds = results["speed"].get("seconds", {})
    if seconds:
        slid = {side: median(seconds[f"patches of {side} px, sliding"]) for side in SIDES}
        unet = median(seconds[networks.UNET])
        times = ", ".join(f"{one:.0f} s at {side} px" for side, one in slid.items())
        measured = f"{times}; U-Net {unet:.2f} s, {min(slid.values()) / unet:.0f} times as fast at least"
        sentence = "A network for the whole image is far faster than one for the patch around each pixel"
        data = f"one image of {results['speed']['side']} px"
        yield Claim(sentence, _RONNEBERGER, data, measured, 0, _holds(min(slid.values()) > 10 * unet))


def _patches(results: Mapping[str, Any]) -> Iterator[Claim]:
    scores = {f"{side} px": scores_of(results["patches"], str(side)) for side in SIDES}
    best = max(scores, key=lambda side: fmean(scores[side].values() or [0]))
    whole = scores_of(results["networks"], networks.UNET, "nuclei")
    small, middle, large = scores
    for sentence, better, worse in (
        ("U-Net is more accurate than a patch classifier", {"U-Net": whole}, best),
        ("Small patches see too little context", {middle: scores[middle]}, small),
        ("Large patches, with more pooling, localise worse", {middle: scores[middle]}, large),
    ):
        yield from _compared(sentence, _RONNEBERGER, "nuclei", {**better, worse: scores[worse]})


def _augmentation(results: Mapping[str, Any]) -> Iterator[Claim]:
    names = (networks.ELASTIC, networks.NOT_ELASTIC, networks.PLAIN)
    all_of_it, not_elastic, none = (scores_of(results["networks"], name, "nuclei") for name in names)
    sentence = "Elastic deformation makes up for few images"
    yield from _compared(sentence, _RONNEBERGER, "nuclei", {"with it": all_of_it, "all but it": not_elastic})
    sentence = "Augmentation makes up for few images"
    yield from _compared(sentence, _RONNEBERGER, "nuclei", {"all of it": all_of_it, "none": none})


def _nested(results: Mapping[str, Any]) -> Iterator[Claim]:
    nested, supervised, unet, wide = networks.NESTED, networks.SUPERVISED, networks.UNET, networks.WIDE
    for sentence, better, worse in (
        ("U-Net++ is more accurate than U-Net (nuclei: 92.6, 90.8)", nested, unet),
        ("U-Net++ is more accurate than a wide U-Net of its size (nuclei: 92.6, 90.9)", nested, wide),
        ("U-Net++ with deep supervision is more accurate than U-Net (nuclei: 92.5, 90.8)", supervised, unet),
        (
            "Deep supervision makes U-Net++ more accurate (0.6 points on average; nuclei: 92.5, 92.6)",
            supervised,
            nested,
        ),
    ):
        for data in DATA:
            scores = {name: scores_of(results["networks"], name, data) for name in (better, worse)}
            yield from _compared(sentence, _ZHOU, data, scores)


def _pruning(results: Mapping[str, Any]) -> Iterator[Claim]:
    seconds = results["speed"].get("seconds", {})
    for data in DATA:
        runs = [run for run in results["networks"] if _is(run, networks.SUPERVISED, data)]
        if runs and seconds:
            yield _pruned(runs, data, {level: median(seconds[f"U-Net++ L{level}"]) for level in range(1, 5)})


def _pruned(runs: Results, data: str, seconds: Mapping[int, float]) -> Claim:
    """What U-Net++ loses and saves at each level against L4, which is all of it."""
    ious = {level: _level_scores(runs, level) for level in seconds}
    lost = {level: difference(ious[level], ious[4]) for level in (1, 2, 3)}
    saved = {level: 1 - seconds[level] / seconds[4] for level in lost}
    millions = {one["level"]: one["parameters"] / 1e6 for one in runs[0]["pruned"]}
    measured = "; ".join(
        f"L{level}: {millions[level]:.2f} of {millions[4]:.2f} M parameters, {100 * saved[level]:.0f} % less time, "
        f"{change} points"
        for level, change in lost.items()
    )
    sentence = "Pruned to L3, U-Net++ takes 32 % less time and loses 0.6 points"
    verdict = _kept(lost[3]) if saved[3] > _SAVED else _holds(False)
    return Claim(sentence, _ZHOU, data, measured, len(runs), verdict)


def _kept(change: Difference | None) -> str:
    """Whether less than `_LOST` points are lost: what the interval says, if it leaves that number out."""
    if change is None or change.interval is None or abs(change.points + _LOST) <= change.interval:
        return "not decided"
    return _holds(change.points > -_LOST)


def _level_scores(runs: Results, level: int) -> dict[int, float]:
    return {run["combination"]["seed"]: run["pruned"][level - 1]["mean IoU"] for run in runs}


def _is(result: Mapping[str, Any], name: str, data: str) -> bool:
    return bool(result["name"] == name and "accuracy" in result and result["combination"]["data"] == data)


def _fcn(results: Mapping[str, Any]) -> Iterator[Claim]:
    names = [FCN[32], FCN[16], FCN[8], networks.RESNET_UNET]
    for coarse, fine in pairwise(names):
        paper = _RONNEBERGER if fine == networks.RESNET_UNET else _LONG
        sentence = f"Finer skips: {fine} is more accurate than {coarse}"
        for data in DATA:
            scores = {name.partition(",")[0]: scores_of(results["networks"], name, data) for name in (fine, coarse)}
            yield from _compared(sentence, paper, data, scores)


def _compared(sentence: str, paper: str, data: str, scores: Mapping[str, Scores]) -> Iterator[Claim]:
    """The first is said to be better than the second."""
    better, worse = scores.values()
    gap = difference(better, worse)
    if gap is not None:
        shared = better.keys() & worse.keys()
        means = ", ".join(f"{name} {percent({seed: of[seed] for seed in shared})}" for name, of in scores.items())
        yield Claim(sentence, paper, data, f"{means}: {gap}", gap.seeds, gap.verdict)


def _holds(true: bool) -> str:
    return "holds" if true else "opposite"
