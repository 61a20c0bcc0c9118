"""The claims and the accuracy beside the peers, as parts of the benchmarks' page in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.claims.networks import LONG, STEPS
from benchmarks.claims.paired import Scores, difference, percent, scores_of
from benchmarks.claims.peer_seconds import Seconds, shares
from benchmarks.claims.peers import FIT, LIBRARIES, SMP
from benchmarks.claims.verdicts import Claim, claims
from benchmarks.page.machine import machine_line
from unetzoo.bench.summary import half_interval

_CLAIMS = """\
Made by `python -m benchmarks.claims`. Accuracy is the mean IoU of images held out, in percent; differences are paired
by seed, with 95 % intervals of Student's t over the seeds. A claim holds, or its opposite does, where that interval
leaves zero out, and is not decided otherwise. The networks are trained from nothing for {steps} steps of 4 crops of 64
px, those about augmentation for {long}; the papers had other data and budgets, so that a claim that fails here has
failed for few images and few steps. The data are one image of nuclei, and the ICBM152 template of the brain by
slices. Patch classifiers are trained on 128 patches a step, as many of each class, and their logits are taken as they
are; the networks see more pixels a step. Pruning holds where less than a point is lost and a quarter of the time saved;
what is said of the patches' work, where nine tenths are redundant and ten times the seconds."""
_PEERS = """\
A U-Net with a ResNet-18 in each library, with the same first weights where the graph is the same, the same crops (4 of
128 px a step) and seeds; the peers are trained by a plain loop (MONAI's engines are not used). Equal seconds are those
in which segmentation_models_pytorch makes its steps, longer ones those in which it makes three times as many;
`unetzoo.fit` validates and saves in them, too. IoU in percent, the mean over the seeds; the difference from
segmentation_models_pytorch is paired by seed; both with 95 % intervals of Student's t. The same graph has the same
outputs and gradients (`pytest -m slow tests/parity`), but for rounding, which training amplifies: what the two plain
loops differ by at equal steps is chance."""
_SECONDS = """\
The seconds of a step, its crops included: every step of `unetzoo.fit` is followed by one of each plain loop. Ours and
that of segmentation_models_pytorch compute the same, so that this share is what the same accuracy costs. All run at
their best: in the order `torch.channels_last`, with this project's fused AdamW and loss, and memory that is kept.
`unetzoo.fit` clips gradients and averages weights in its steps, and validates, keeps checkpoints, saves and draws
beside them. Intervals are over trainings, since the steps of one share a moment of the machine."""


def claims_section(results: Mapping[str, Any]) -> list[str]:
    """Paragraphs and a table with a row for each claim.

    Args:
        results: what `python -m benchmarks.claims` has put together.
    """
    lines = ["| claim | by | data | measured | seeds | |", "|---|---|---|---|---:|---|"]
    return [
        *_machines(results),
        _CLAIMS.format(steps=STEPS, long=LONG),
        "\n".join([*lines, *map(_row, claims(results))]),
    ]


def _machines(results: Mapping[str, Any]) -> list[str]:
    """Where and when networks were trained and times taken: a line for each machine, its threads included."""
    dates: dict[str, set[str]] = {}
    for result in (
        *results["networks"],
        *results["patches"],
        results["speed"],
        *results.get("step seconds", {}).values(),
    ):
        if "machine" in result:
            dates.setdefault(machine_line(result["machine"]), set()).add(result["date"])
    return [f"{machine} Measured on {' to '.join(sorted({min(days), max(days)}))}." for machine, days in dates.items()]


def _row(claim: Claim) -> str:
    verdict = f"**{claim.verdict}**" if claim.verdict == "holds" else claim.verdict
    seeds = str(claim.seeds or "")
    return f"| {claim.says} | {claim.paper} | {claim.data} | {claim.measured} | {seeds} | {verdict} |"


def accuracy_section(results: Mapping[str, Any]) -> list[str]:
    """Paragraphs, a table with a row for each data set and library, and one for each budget of them."""
    lines = ["| data | budget | by | steps | mean IoU | less smp's | seeds |", "|---|---|---|---:|---:|---:|---:|"]
    accuracy = "\n".join([*lines, *_peer_rows(results["peers"])])
    return [_PEERS, accuracy, _SECONDS, _seconds_table(results["step seconds"])]


def _seconds_table(by_data: Mapping[str, Seconds]) -> str:
    lines = ["| data | by | ms a step | of smp's | seconds beside the steps |", "|---|---|---:|---:|---:|"]
    for data, seconds in sorted(by_data.items()):
        for name, (share, half) in shares(seconds).items():
            own = f"{1e3 * median(seconds['steps'][name]):.0f}"
            against = "" if name == SMP else f"{share:.3f}" + ("" if half is None else f" ± {half:.3f}")
            beside = f"{median(seconds['beside steps']):.1f}" if name == FIT else ""
            lines.append(f"| {data} | {name} | {own} | {against} | {beside} |")
    return "\n".join(lines)


def _peer_rows(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    kinds = dict.fromkeys((result["combination"]["data"], result["name"]) for result in results if "accuracy" in result)
    for data, budget in sorted(kinds):
        some = [result for result in results if result["name"] == budget and result["combination"]["data"] == data]
        by_library = {
            name: [result for result in some if result["combination"]["library"] == name] for name in LIBRARIES
        }
        scores = {name: scores_of(runs, budget) for name, runs in by_library.items()}
        for name, runs in by_library.items():
            if scores[name]:
                against = "" if name == SMP else str(difference(scores[name], scores[SMP]) or "")
                steps = fmean(result["combination"]["steps"] for result in runs)
                cells = [data, budget, name, f"{steps:.0f}", mean_with_interval(scores[name]), against]
                yield f"| {' | '.join(cells)} | {len(scores[name])} |"


def mean_with_interval(scores: Scores) -> str:
    """Such as `"92.31 ± 0.42"`, in percent; empty without any."""
    half = half_interval([100 * score for score in scores.values()])
    return (percent(scores) if scores else "") + ("" if half is None else f" ± {half:.2f}")
