"""`fit` beside plain loops on the panel, and what each of its options does there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.claims.paired import Difference, difference, overall
from benchmarks.page.machine import machine_line
from benchmarks.panel.contestants import CONTESTANTS, FIT, FITTED, LOOPS

_EXPLANATION = """\
Made by `python -m benchmarks.panel` on {date}. Ten small data sets with known truth: tiles of the nuclei and slices of
the brain, which are real, and eight that are drawn from random numbers ([scenes](panel/scenes)): histology in color,
land cover in five bands of 16 bits with unknown pixels, vessels, cracks of under 1 % of the pixels in real gravel,
documents, spots of a few pixels in 16 bits, membranes, and real materials in regions. They have 5 to 60 images of 96 to
256 px, and 2 to 5 classes. All networks begin with random weights. The plain loops train on all images with crops,
flips, AdamW, one cycle and Dice + cross entropy, and keep the last weights: over segmentation_models_pytorch's network,
and over this project's, so that the second differs from `fit` in the recipe alone. `fit` has its defaults, among them a
highest learning rate that follows the width of the network (6e-3 for 96 channels at the deepest level, 1.1e-3 for 512),
and holds a fifth of the images out. That rate and its warm-up were chosen here, by the seeds 0 and 1; others had no
part in it. Mean IoU of the test images in percent; differences are paired by seed, with 95 % intervals of Student's t
over the seeds, and for the mean over the data sets. nnU-Net's trainer does not take part yet."""
_SMALL = "These runs are small and few, so they show what to look at rather than what holds: the default is 8 x 128 px."

_SETTING = ("decoder", "encoder", "steps", "batch", "crop")

Results = Sequence[Mapping[str, Any]]
Setting = tuple[str, str, int, int, int]
"""Decoder, encoder, steps, crops a step and their side in pixels."""


def panel_section(results: Mapping[str, Any]) -> list[str]:
    """Paragraphs and two tables for each network and budget: `fit` beside the loops by data set, and its options."""
    done = [run for run in results["runs"] if "error" not in run]
    paragraphs = [machine_line(done[0]["machine"]), _EXPLANATION.format(date=max(run["date"] for run in done))]
    if any(_setting(run)[3:] != (8, 128) for run in done):
        paragraphs.append(_SMALL)
    for setting in sorted({_setting(run) for run in done}):
        runs = [run for run in done if _setting(run) == setting]
        paragraphs += [_title(setting), _beside_loops(runs), _options(runs), _left_out(runs)]
    return [paragraph for paragraph in paragraphs if paragraph]


def _beside_loops(runs: Results) -> str:
    """A row for each data set, and one for their mean; empty without `fit` and a loop."""
    loops = [name for name in LOOPS if _differences(runs, FIT, name)]
    if not loops:
        return ""
    names = _names(runs)
    rows = [
        [name, _percent(runs, FIT, name), *(_text(_differences(runs, FIT, loop).get(name)) for loop in loops)]
        for name in names
    ]
    rows.append(["mean", "", *(_text(overall(_differences(runs, FIT, loop).values())) for loop in loops)])
    head = ["| data | fit |" + "".join(f" fit minus {loop} |" for loop in loops), "|---|---:|" + "---:|" * len(loops)]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _options(runs: Results) -> str:
    """A row for each contestant: how much better it is than `fit`, over the data sets that both have."""
    rows = []
    for name in CONTESTANTS:
        gains = _differences(runs, name, FIT) if name != FIT else {}
        if gains:
            better = sum(gain.points > 0 for gain in gains.values())
            seeds = sum(gain.seeds for gain in gains.values())
            rows.append(f"| {name} | {_text(overall(gains.values()))} | {better} of {len(gains)} | {seeds} |")
    head = ["| | minus fit, mean of the data sets | ahead on | pairs |", "|---|---:|---:|---:|"]
    return "\n".join([*head, *rows]) if rows else ""


def _left_out(runs: Results) -> str:
    """What a choice among the options of `fit` gains on data that it was not made on; empty without a choice."""
    names = _names(runs)
    options = {name: _differences(runs, name, FIT) for name in FITTED if name != FIT}
    whole = {name: gains for name, gains in options.items() if gains.keys() == set(names)}
    if not whole or len(names) < 3:
        return ""
    chosen = {data: _best(whole, [other for other in names if other != data]) for data in names}
    gains = {data: whole[name][data] if name in whole else Difference(0, None, 0) for data, name in chosen.items()}
    gain = overall(gains.values())
    choices = ", ".join(f"{name} ({count})" for name, count in Counter(chosen.values()).most_common())
    return (
        f"The best of `fit` and these options on all data sets but one, judged by that one: {gain} points "
        f"beside `fit`. Chosen, by number of data sets: {choices}."
    )


def _best(options: Mapping[str, Mapping[str, Difference]], names: Sequence[str]) -> str:
    """The contestant with the highest mean over some data sets; `fit` itself where none is ahead of it."""
    means = {FIT: 0.0} | {name: fmean(gains[data].points for data in names) for name, gains in options.items()}
    return max(means, key=lambda name: means[name])


def _differences(runs: Results, one: str, other: str) -> dict[str, Difference]:
    """By data set."""
    each = {name: difference(_scores(runs, one, name), _scores(runs, other, name)) for name in _names(runs)}
    return {name: gain for name, gain in each.items() if gain}


def _scores(runs: Results, contestant: str, data: str) -> dict[int, float]:
    """The mean IoU of each seed."""
    chosen = [
        run for run in runs if (run["combination"]["contestant"], run["combination"]["data"]) == (contestant, data)
    ]
    return {run["combination"]["seed"]: run["IoU"]["mean"] for run in chosen}


def _percent(runs: Results, contestant: str, data: str) -> str:
    scores = _scores(runs, contestant, data)
    return f"{100 * fmean(scores.values()):.1f}" if scores else ""


def _text(gain: Difference | None) -> str:
    return "" if gain is None else str(gain)


def _names(runs: Results) -> list[str]:
    return sorted({run["combination"]["data"] for run in runs})


def _setting(run: Mapping[str, Any]) -> Setting:
    combination = run["combination"]
    decoder, encoder, steps, batch, crop = (combination[name] for name in _SETTING)
    return decoder, encoder, steps, batch, crop


def _title(setting: Setting) -> str:
    decoder, encoder, steps, batch, crop = setting
    return f"### {decoder}, {encoder}, {steps:,} steps of {batch} x {crop} px"
