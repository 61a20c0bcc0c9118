"""Encoders trained and timed alike: two tables and a paragraph of advice, which docs/choose.md has in short."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.claims.page import mean_with_interval
from benchmarks.encoders.candidates import BFLOAT16, EMULATED, INT8, OPENVINO, TORCH
from benchmarks.page.encoder_scores import FEW, Budget, Results, advice, budgets, encoder_of
from benchmarks.page.machine import machine_line
from unetzoo._utils.texts import code, count_of, markdown

_EXPLANATION = """\
Made by `python -m benchmarks.encoders` on {date}: networks that differ in the encoder alone, with the decoder
`{decoder}`. License: that of the published weights, as timm gives it; `dinov3-license` and
`fair-noncommercial-research-license` are Meta's own, and limit what weights may be used for. M parameters count the
whole network. Milliseconds: seconds of the processor for an image of {size} x {size} px by one thread, median of
{rounds} calls in turn: `unetzoo.optimize(model)` in float32 and bfloat16, and with `engine="openvino"` in float32 and
int8, calibrated with noise, since this is about speed. Other work on the machine makes all of them larger: compare
times within this table only."""
_TRAININGS = """\
Trained by `unetzoo.fit` with its defaults on data sets of the [panel](#panel) that differ in what they ask for:
{data}.
The budgets are steps, as the panel's are, since a step is the same on every machine; what they take is in the
column s, in seconds of the processor. Mean IoU of the test images in percent, with 95 % intervals of Student's t over
the seeds; behind: the mean of the data sets beside the best one's, paired by seed, with an interval over the data
sets."""
_ASKED = {
    "nuclei": "blobs in a real image",
    "cracks": "thin and rare lines on real gravel",
    "satellite": "land cover in five bands",
    "materials": "textures in real photographs",
}
_NOT_TRAINED = """\
All begin with random weights, so this tells how much a network learns from few images in few steps, and nothing of what
published weights are worth; with `--pretrained` they begin with these."""
_GUIDE = """\
Networks that differ in the encoder alone, with the decoder `unet`: milliseconds for {size} x {size} px by one thread,
to be compared within this table only.{trained} Other engines, intervals and the command are in
[the benchmarks](https://github.com/unetzoo/unetzoo/tree/main/benchmarks#encoders)."""
_TRAINED = """
IoU: mean over small data sets ({data}), in percent, trained from {kind} weights, {seeds} each."""
_TOO_FEW = """
How well they learn is measured with {seeds} so far, which is too few for advice."""
_COLUMNS = {"ms, torch": TORCH, "bf16": BFLOAT16, "ms, openvino": OPENVINO, "int8": INT8}
_LEARNED = 0.05  # IoU
_RANDOM, _PUBLISHED = "random", "published"


def encoders_section(results: Results) -> list[str]:
    """Paragraphs, a table of the networks, and one of accuracies for each kind of weights and each budget."""
    latency = _latency(results)
    combination = latency["combination"]
    text = _EXPLANATION.format(
        date=max(result["date"] for result in results if "date" in result),
        **{name: combination[name] for name in ("decoder", "size", "rounds")},
    )
    parts = [
        machine_line(latency["machine"]),
        text,
        _networks_table(latency, results),
        *_refusals(latency),
    ]
    for kind, runs in _by_weights(results).items():
        combination, found = runs[0]["combination"], budgets(runs)
        parts += [
            f"### Beginning with {kind} weights, {combination['batch']} x {combination['crop']} px a step",
            _TRAININGS.format(data=_asked(found)) + ("" if kind == _PUBLISHED else f" {_NOT_TRAINED}"),
        ]
        for budget in found:
            parts += [f"#### {count_of(budget.steps, 'step')}", _scores_table(budget), *_unlearned(runs, budget)]
        parts += [*_failures(runs), *([f"**Which one?** {advice(found, latency['seconds'])}"] if found else [])]
    return parts


def encoders_guide(results: Results) -> list[str]:
    """A short table, of the weights that most trainings begin with, and the advice unless seeds are few."""
    kind, runs = max(_by_weights(results).items(), key=lambda item: len(item[1]), default=("", []))
    found = budgets(runs)
    if not found:
        return []
    latency = _latency(results)
    count = min(budget.seeds for budget in found)
    shown = found if count >= FEW else []
    rows, seen = [], set[str]()
    for encoder, weights in latency["weights"].items():
        network = weights["network"]
        name = f"{network}.{weights['tag']}" if kind == _PUBLISHED else network
        costs = [f"as {code(network)}"] if network in seen else _costs(latency, network, (TORCH, INT8))
        means = [f"{budget.means[name]:.1f}" if name in budget.means else "" for budget in shown]
        rows.append([code(encoder), _license(weights), *costs, *(means if name not in seen else [])])
        seen |= {network, name}
    head = ["encoder", "license of its weights", "M parameters", "ms", "ms, int8"]
    head += [f"IoU, {budget.steps:,} steps" for budget in shown]
    seeds = count_of(count, "seed")
    trained = _TRAINED.format(data=", ".join(found[0].data), kind=kind, seeds=seeds)
    said = trained if shown else _TOO_FEW.format(seeds=seeds)
    text = _GUIDE.format(size=latency["combination"]["size"], trained=said)
    return [text, _table(head, rows, texts=2), *([advice(found, latency["seconds"])] if shown else [])]


def _asked(found: Sequence[Budget]) -> str:
    """What each data set asks for, where that is known."""
    names = dict.fromkeys(name for budget in found for name in budget.data)
    return ", ".join(f"{name} ({_ASKED[name]})" if name in _ASKED else name for name in names)


def _networks_table(latency: Mapping[str, Any], results: Results) -> str:
    """A row for each encoder; several weights of one network are measured once."""
    head = ["encoder", "published weights", "their license", "trained from", "M parameters", *_COLUMNS]
    trained = {encoder_of(run) for run in _trainings(results)}
    rows, seen = [], set[str]()
    for weights in latency["weights"].values():
        network, tag = weights["network"], weights["tag"]
        names = {_RANDOM: network, _PUBLISHED: f"{network}.{tag}"}
        begun_with = ", ".join(kind for kind, name in names.items() if name in trained)
        costs = [f"as {code(network)}"] if network in seen else _costs(latency, network, _COLUMNS.values())
        rows.append([code(network), tag, _license(weights), begun_with, *costs])
        seen.add(network)
    return _table(head, rows, texts=4)


def _scores_table(budget: Budget) -> str:
    """A row for each encoder, the best first."""
    rows = [
        [
            code(encoder),
            *(mean_with_interval(scores) for scores in budget.scores[encoder].values()),
            f"{mean:.2f}",
            str(budget.lag(encoder)) if at else "",
            f"{budget.seconds[encoder]:.0f}",
            str(min(map(len, budget.scores[encoder].values()))),
        ]
        for at, (encoder, mean) in enumerate(budget.means.items())
    ]
    return _table(["encoder", *budget.data, "mean", "behind", "s", "seeds"], rows, texts=1)


def _unlearned(runs: Results, budget: Budget) -> list[str]:
    """Classes that no encoder has learned after a budget, so that their data set hardly tells encoders apart."""
    best: dict[tuple[str, str], float] = {}
    for run in runs:
        if "error" not in run and run["combination"]["steps"] == budget.steps:
            for name, score in run["IoU"]["classes"].items():
                at = run["combination"]["data"], name
                best[at] = max(score, best.get(at, 0.0))
    missed = [f"{name} in {data}" for (data, name), score in best.items() if score < _LEARNED and data in budget.data]
    return [f"No encoder has learned {', '.join(missed)} (IoU below {100 * _LEARNED:g} %)."] if missed else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int) -> str:
    """Rows as Markdown, of which the first columns are texts and the others numbers; short rows are filled."""
    lines = [f"| {' | '.join([*row, *[''] * (len(head) - len(row))])} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * texts + "---:|" * (len(head) - texts), *lines[1:]])


def _costs(latency: Mapping[str, Any], network: str, ways: Iterable[str]) -> list[str]:
    """M parameters, and the milliseconds of each way."""
    seconds, refused = latency["seconds"].get(network, {}), latency["refused"].get(network, {})
    shown = [f"{1e3 * median(seconds[way]):.0f}" if way in seconds else _short(refused.get(way, "")) for way in ways]
    return [f"{latency['parameters'][network] / 1e6:.1f}", *shown]


def _short(reason: str) -> str:
    return "emulated" if EMULATED in reason else "refused" if reason else ""


def _refusals(latency: Mapping[str, Any]) -> list[str]:
    """Why a network was not measured in some way."""
    lines = [
        f"- {code(network)}, {way}: {markdown(reason)}"
        for network, ways in latency["refused"].items()
        for way, reason in ways.items()
        if EMULATED not in reason
    ]
    return ["\n".join(lines)] if lines else []


def _failures(runs: Results) -> list[str]:
    """Trainings that failed, each with its reason."""
    lines = [
        f"- {code(encoder_of(run))}, {run['combination']['data']}, {run['combination']['steps']:,} steps: "
        f"{markdown(run['error'].splitlines()[0])}"
        for run in runs
        if "error" in run
    ]
    return ["\n".join(lines)] if lines else []


def _license(weights: Mapping[str, Any]) -> str:
    return str(weights["license"] or "unknown")


def _latency(results: Results) -> Mapping[str, Any]:
    """The newest measurement of times."""
    return max((result for result in results if "weights" in result), key=lambda result: str(result["date"]))


def _trainings(results: Results) -> Results:
    return [result for result in results if "weights" not in result]


def _by_weights(results: Results) -> dict[str, Results]:
    """The trainings that begin with random weights, and those that begin with published ones, where there are any."""
    kinds = {
        _RANDOM: [run for run in _trainings(results) if not run["combination"]["pretrained"]],
        _PUBLISHED: [run for run in _trainings(results) if run["combination"]["pretrained"]],
    }
    return {kind: runs for kind, runs in kinds.items() if runs}
