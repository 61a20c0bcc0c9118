"""Codings of objects trained alike, beside StarDist and Cellpose."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.claims.paired import Difference, Scores, difference
from benchmarks.page.machine import machine_line
from unetzoo._utils.texts import count_of
from unetzoo.bench.summary import half_interval

_EXPLANATION = """\
Made by `python -m benchmarks.objects` on {date}. Each network is trained from nothing for {seconds:g} seconds of a
processor core, crops of 128 px four at a time, on the nuclei, and judged by the part of the picture that was held out:
average precision, the mean over IoUs of 0.5 to 0.95 of TP / (TP + FP + FN), in percent, with 95 % intervals of
Student's t over the seeds. Prediction: seconds of the processor for a megapixel, decoding included, by the network as
it is trained, and by `unetzoo.optimize` of it, whose maps are equal up to rounding. StarDist and
Cellpose are trained by their own code with their own networks and defaults, on crops that were cut and changed before
as this project's are. What any of them does before the first step and in validation is not counted; `s to train` is all
of it, for this project's networks the tuning of thresholds, too. Each of this project's networks has as many steps as
fit into the seconds while the machine does nothing else, the same for all codings and seeds, so that `stardist`, whose
targets take longest, takes a little more than its seconds; StarDist and Cellpose end by a clock of the processor, on a
machine that did little else (for three of Cellpose's seeds, a part of the time a test on the other core). Other work
beside this project's makes the seconds larger, not the steps fewer. The thresholds of these networks and of StarDist
are tuned on validation images; Cellpose has fixed ones. So short a budget shows who learns fast, not who is best after
hours, for which StarDist and Cellpose are made: their scores say that they have hardly
begun."""
_MEGAPIXELS = 512 * 448 / 1e6
_PEERS = ("StarDist", "Cellpose")
_AIM = 3  # times as fast as a peer
_AS_TRAINED, _OPTIMIZED = "prediction seconds", "optimized prediction seconds"

Results = Sequence[Mapping[str, Any]]


def objects_section(results: Mapping[str, Any]) -> list[str]:
    """Paragraphs, a table with a row for each network, and what the differences say."""
    done = [run for run in results["runs"] if "error" not in run]
    text = _EXPLANATION.format(date=max(run["date"] for run in done), seconds=done[0]["combination"]["seconds"])
    notes = "\n".join(f"- {note}" for note in [*_weight_map(done), *_beside_peers(done)])
    return [machine_line(done[0]["machine"]), text, objects_table(results["runs"]), *([notes] if notes else [])]


def objects_table(results: Results) -> str:
    """A row for each network, the most precise first; networks that failed come last with their error."""
    rows = sorted((_row(name, runs) for name, runs in _by_network(results).items()), reverse=True)
    head = "| objects | decoder | encoder | AP | AP at 0.5 | s a megapixel | optimized | steps | s to train | seeds |"
    return "\n".join([head, "|---|---|---|---:|---:|---:|---:|---:|---:|---:|", *(row for _, row in rows)])


def _row(name: str, runs: Results) -> tuple[float, str]:
    """The average precision and the row."""
    done = [run for run in runs if "error" not in run]
    cells = [*name.split(", "), "", ""][:3]
    if not done:
        return -1, f"| {' | '.join(cells)} | {runs[0]['error'].splitlines()[0]} | | | | | | 0 |"
    precisions = [run["AP"] for run in done]
    cells += [
        _percent(precisions),
        _percent([run["AP at 0.5"] for run in done]),
        *(_megapixel_seconds(done, key) for key in (_AS_TRAINED, _OPTIMIZED)),
        f"{median(run['steps'] for run in done):,.0f}",
        f"{median(run['training seconds'] for run in done):,.0f}",
        str(len(done)),
    ]
    return fmean(precisions), f"| {' | '.join(cells)} |"


def _megapixel_seconds(runs: Results, key: str) -> str:
    """The median over the runs that have it; empty: none has."""
    seconds = [run[key] for run in runs if key in run]
    return f"{median(seconds) / _MEGAPIXELS:.2f}" if seconds else ""


def _percent(scores: Sequence[float]) -> str:
    half = half_interval(scores)
    return f"{100 * fmean(scores):.1f}" + ("" if half is None else f" ± {100 * half:.1f}")


def _weight_map(results: Results) -> list[str]:
    """What the weight map of 2015 gains over components of a foreground without it."""
    return [
        f"The weight map of arXiv:1505.04597, `weighted` instead of `components`, {', '.join(network)}: {gain} points "
        f"of AP over {count_of(gain.seeds, 'seed')}; that it helps: {gain.verdict}."
        for network in sorted({_network(run)[1:] for run in results if _network(run)[0] == "weighted"})
        if (gain := _difference(results, ("weighted", *network), ("components", *network)))
    ]


def _beside_peers(results: Results) -> list[str]:
    """The most precise of this project's networks beside each peer, and the most precise of the fast ones."""
    own = {_network(run) for run in results if run["combination"]["method"] not in _PEERS}
    ranked = sorted(own, key=lambda network: fmean(_scores(results, network).values()), reverse=True)
    return [note for peer in _PEERS for note in _beside(results, ranked, (peer, "", ""))]


def _beside(results: Results, ranked: Sequence[tuple[str, ...]], peer: tuple[str, ...]) -> Iterator[str]:
    """A sentence for the most precise network, and for the most precise that is as fast as the project aims at."""
    if not _scores(results, peer):
        return
    fast = [one for one in ranked if max(_speed(results, one, peer, key) for key in (_AS_TRAINED, _OPTIMIZED)) >= _AIM]
    for network in dict.fromkeys([*ranked[:1], *fast[:1]]):
        if gain := _difference(results, network, peer):
            said = f"{', '.join(network)} beside {peer[0]}: {gain} points of AP over {count_of(gain.seeds, 'seed')}"
            yield f"{said}; {_times_as_fast(results, network, peer)}."


def _difference(results: Results, better: tuple[str, ...], worse: tuple[str, ...]) -> Difference | None:
    return difference(_scores(results, better), _scores(results, worse))


def _scores(results: Results, network: tuple[str, ...]) -> Scores:
    return {run["combination"]["seed"]: run["AP"] for run in results if _network(run) == network}


def _times_as_fast(results: Results, network: tuple[str, ...], peer: tuple[str, ...]) -> str:
    said = f"{_speed(results, network, peer, _AS_TRAINED):.1f} times as fast to predict"
    optimized = _speed(results, network, peer, _OPTIMIZED)
    return f"{said}, optimized {optimized:.1f} times" if optimized else said


def _speed(results: Results, network: tuple[str, ...], peer: tuple[str, ...], key: str) -> float:
    """How many times as fast as the peer a network predicts; 0: it was not timed."""
    seconds = _seconds(results, network, key)
    return median(_seconds(results, peer, _AS_TRAINED)) / median(seconds) if seconds else 0


def _seconds(results: Results, network: tuple[str, ...], key: str) -> list[float]:
    return [run[key] for run in results if _network(run) == network and key in run]


def _network(run: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(run["combination"][part] for part in ("method", "decoder", "encoder"))


def _by_network(results: Results) -> dict[str, Results]:
    names = dict.fromkeys(map(_network, results))
    return {", ".join(filter(None, name)): [run for run in results if _network(run) == name] for name in names}
