"""What the project's README says of the benchmarks: a few rows, made of the same results."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from benchmarks.claims.page import mean_with_interval
from benchmarks.claims.paired import Scores, difference, scores_of
from benchmarks.claims.peers import FIT, MONAI, SMP
from benchmarks.page.machine import machine_line
from benchmarks.page.peers import LIBRARIES, Row, architecture_rows, cost_rows, encoder_rows

_EXPLANATION = """\
Counted and measured by the commands of [benchmarks](benchmarks/README.md), where all the numbers are, with their raw
samples. Milliseconds are for resnet34 and 512 x 512 pixels in float32; the allocator keeps freed memory everywhere."""
_ACCURACY = """\
Mean IoU is that of a U-Net with a ResNet-18 after equally many seconds of training, with 95 % intervals over {seeds}
seeds: by `unetzoo.fit`, which averages weights and clips gradients; the peers in a plain loop with the same crops. What
unetzoo's network does in that loop stands in the benchmarks, too.{differences}"""
_FEWEST = 2  # seeds, for an interval
_BUDGETS = {"equal seconds": "", "equal seconds, longer": ", three times the seconds"}


def excerpt(
    counted: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], claims: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Two paragraphs around a table.

    Args:
        counted: `peers.json`.
        cases: results of the speed benchmark.
        claims: `claims.json`.
    """
    times = (row for row in cost_rows(cases) if row[0].endswith(": ms"))
    accuracy = list(_accuracy(claims["peers"]))
    rows = [*architecture_rows(counted), *islice(encoder_rows(counted), 1), *times, *accuracy]
    head = f"| | {' | '.join(LIBRARIES)} |\n|---|{'---:|' * len(LIBRARIES)}"
    table = "\n".join([head, *(f"| {' | '.join(row)} |" for row in rows)])
    seeds = len({result["combination"]["seed"] for result in claims["peers"] if result["name"] in _BUDGETS})
    accuracy_text = _ACCURACY.format(seeds=seeds, differences=_differences(claims["peers"]))
    paragraph = "\n".join([_EXPLANATION, *([accuracy_text] if accuracy else [])])
    return table, paragraph, machine_line(cases[0]["machine"])


def _accuracy(results: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """A row for each data set on which every library has an interval."""
    for data in _data_sets(results):
        for budget, suffix in _BUDGETS.items():
            scores = [_scores(results, data, budget, library) for library in (FIT, SMP, MONAI)]
            if min(map(len, scores)) >= _FEWEST:
                ours, smp, monai = map(mean_with_interval, scores)
                yield f"mean IoU on {data}{suffix}, %", ours, smp, monai


def _differences(results: Sequence[Mapping[str, Any]]) -> str:
    """What training for longer leaves of the difference, with its intervals over the same seeds."""
    *_, longer = _BUDGETS
    differences = [
        f"{between} points on {data}"
        for data in _data_sets(results)
        if (between := difference(*(_scores(results, data, longer, library) for library in (FIT, SMP))))
    ]
    if not differences:
        return ""
    less = " and ".join(differences)
    return f"\nAfter three times the seconds `unetzoo.fit` differs from segmentation_models_pytorch by {less}."


def _data_sets(results: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({result["combination"]["data"] for result in results})


def _scores(results: Sequence[Mapping[str, Any]], data: str, budget: str, library: str) -> Scores:
    return scores_of([result for result in results if result["combination"]["library"] == library], budget, data)
