"""Networks of volumes and of slices trained alike on the tissues of a head, beside nnU-Net's own trainer."""

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.claims.paired import Difference, Scores, difference
from benchmarks.page.machine import machine_line
from benchmarks.tissue.contestants import BATCHES, CROPS, NNUNET, OWN, WIDTHS
from benchmarks.tissue.runs import TILED
from unetzoo._utils.texts import count_of
from unetzoo.bench.summary import half_interval

_EXPLANATION = """\
Made by `python -m benchmarks.tissue` on {date}. One head, the ICBM152 template at 2 mm with four classes: background,
CSF, gray and white matter. Each network is trained from random weights for {seconds:g} seconds of a processor core on
the back half of the head, {voxels:,} voxels a step, and judged by a quarter 10 mm before it. Dice: mean of the three
tissues over all voxels of that quarter, in percent, with 95 % intervals of Student's t over the seeds; mirrored: of the
mean over all mirror images, as nnU-Net predicts. The front, the last 15 %, is far from what was seen and mostly
background; first trials were judged there, until so small a share of tissue seemed to decide too much. nnU-Net is its
own trainer (nnunetv2 2.8) with its defaults for loss, optimizer, augmentation and sampling. Its plan is cut to the
crops, batch and widths ({three} with three axes, {two} with two) of `planned`, which has the same graph but for the
heads of its deep supervision, and its learning rate falls with the seconds. Its seconds include those of its
augmentation, {reading}, which on a GPU other processes would spend. Slices are coronal. A second buys fewer steps while
other work shares the machine, which intervals over seeds include. Budgets of a minute show who learns fast, and one
head shows nothing of how heads differ."""

Results = Sequence[Mapping[str, Any]]
_ALONE, _MIRRORED, _FRONT = "test", "test, mirrored", "val"
_BESIDE = {"planned, three axes": "nnU-Net 3d_fullres", "planned, slices": "nnU-Net 2d"}
"""This project's network with the graph of each configuration of nnU-Net."""


def tissue_section(results: Mapping[str, Any]) -> list[str]:
    """Paragraphs, a table with a row for each contestant, and what the differences say."""
    done = [run for run in results["runs"] if "error" not in run]
    text = _EXPLANATION.format(
        date=max(run["date"] for run in done),
        seconds=done[0]["combination"]["seconds"],
        voxels=BATCHES[3] * CROPS[3][0] ** 3,
        three=f"{WIDTHS[3][0]} to {WIDTHS[3][-1]}",
        two=f"{WIDTHS[2][0]} to {WIDTHS[2][-1]}",
        reading=_reading(done),
    )
    notes = "\n".join(
        f"- {note}" for note in [*_winner(done), *_beside_nnunet(done), *_differences(done), *_tiled(done)]
    )
    return [machine_line(done[0]["machine"]), text, tissue_table(results["runs"]), *([notes] if notes else [])]


def tissue_table(results: Results) -> str:
    """A row for each contestant, the best first; those that failed come last with their error."""
    names = dict.fromkeys(_name(run) for run in results)
    rows = sorted((_row(name, [run for run in results if _name(run) == name]) for name in names), reverse=True)
    head = (
        "| network | Dice, mirrored | Dice | CSF | gray | white | front | steps | s to train | s to predict | seeds |"
    )
    return "\n".join([head, "|---|" + "---:|" * 10, *(row for _, row in rows)])


def _row(name: str, runs: Results) -> tuple[float, str]:
    """The mean Dice and the row."""
    done = [run for run in runs if "error" not in run]
    if not done:
        return -1, f"| {name} | {runs[0]['error'].splitlines()[0]} | | | | | | | | | 0 |"
    tissues = ("CSF", "grey matter", "white matter")
    cells = [
        name,
        _percent([run["Dice"][_MIRRORED]["mean"] for run in done]),
        _percent([run["Dice"][_ALONE]["mean"] for run in done]),
        *(f"{100 * fmean(run['Dice'][_MIRRORED][tissue] for run in done):.1f}" for tissue in tissues),
        _percent([run["Dice"][_FRONT]["mean"] for run in done]),
        f"{median(run['steps'] for run in done):,.0f}",
        *(f"{median(run[f'{kind} seconds'] for run in done):.1f}" for kind in ("training", "prediction")),
        str(len(done)),
    ]
    return fmean(run["Dice"][_MIRRORED]["mean"] for run in done), f"| {' | '.join(cells)} |"


def _percent(scores: Sequence[float]) -> str:
    half = half_interval(scores)
    return f"{100 * fmean(scores):.1f}" + ("" if half is None else f" ± {100 * half:.1f}")


def _reading(results: Results) -> str:
    """The share of the seconds that nnU-Net spends on its crops."""
    shares = {
        name: [run["reading seconds"] / run["training seconds"] for run in results if _name(run) == name]
        for name in NNUNET
    }
    said = [f"{100 * median(each):.0f} % ({name.split()[-1]})" for name, each in shares.items() if each]
    return " and ".join(said) or "not measured"


def _winner(results: Results) -> list[str]:
    """Which network has the highest mean, and how far it is ahead of the next one."""
    means = {name: fmean(_scores(results, name).values()) for name in dict.fromkeys(map(_name, results))}
    if len(means) < 2:
        return []
    best, second = sorted(means, key=lambda name: means[name], reverse=True)[:2]
    return [f"The highest mean: **{best}**{_ahead(results, best, second)}"]


def _ahead(results: Results, best: str, second: str) -> str:
    gain = difference(_scores(results, best), _scores(results, second))
    return "." if gain is None else f", before {second}: {_said(gain)}"


def _beside_nnunet(results: Results) -> list[str]:
    """This project's network beside nnU-Net's trainer with the same graph."""
    return [
        f"{own} beside {peer}{place}: {_said(gain)}"
        for own, peer in _BESIDE.items()
        for part, place in ((_MIRRORED, ""), (_FRONT, ", at the front"))
        if (gain := difference(_scores(results, own, part), _scores(results, peer, part)))
    ]


def _differences(results: Results) -> list[str]:
    """What depth is worth, with the same encoder: each of this project's networks beside that of slices."""
    pairs = [
        (name, f"{name.split(',')[0]}, {base}")
        for name in OWN
        for base in ("slices", "3 slices as channels")
        if (base == "slices") == name.startswith("planned")
    ]
    return [
        f"{name} instead of {base.split(', ')[-1]}: {_said(gain)}"
        for name, base in pairs
        if name != base and (gain := difference(_scores(results, name), _scores(results, base)))
    ]


def _tiled(results: Results) -> list[str]:
    """What it is worth that tiles are as large as the crops of the training, as nnU-Net's are."""
    both = [run for run in results if TILED in run]
    tiled = {
        name: {run["combination"]["seed"]: run[TILED]["mean"] for run in both if _name(run) == name}
        for name in dict.fromkeys(map(_name, both))
    }
    return [
        f"{name}, predicted by tiles as large as crops instead of the whole part at once: {_said(gain)}"
        for name, scores in tiled.items()
        if (gain := difference(scores, _scores(results, name)))
    ]


def _said(gain: Difference) -> str:
    return f"{gain} points of Dice over {count_of(gain.seeds, 'seed')}; that it is better: {gain.verdict}."


def _scores(results: Results, name: str, part: str = _MIRRORED) -> Scores:
    return {run["combination"]["seed"]: run["Dice"][part]["mean"] for run in results if _name(run) == name}


def _name(run: Mapping[str, Any]) -> str:
    name: str = run["combination"]["contestant"]
    return name
