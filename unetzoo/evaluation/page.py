"""An evaluation as one HTML page, which needs no network."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo.evaluation.bootstrap import Estimate
from unetzoo.evaluation.evaluate import HAUSDORFF, SURFACE_DICE, Case, Evaluation
from unetzoo.evaluation.masks import predicted_ids
from unetzoo.evaluation.pictures import case_picture
from unetzoo.inference.predict import Network
from unetzoo.pages.render import render, trusted
from unetzoo.samples import Dataset
from unetzoo.whole import write_text

if TYPE_CHECKING:
    from markupsafe import Markup

_EACH = 3  # of the worst, the middle and the best cases


def write_page(
    path: Path,
    evaluation: Evaluation,
    model: Network,
    dataset: Dataset,
    *,
    title: str,
    tile: int | None = None,
    overlap: int | None = None,
    flips: bool = False,
) -> None:
    """Write the numbers, the worst, median and best cases, and a table of all images that sorts.

    Args:
        path: of the page, which appears whole or not at all.
        evaluation: of this network on this data set.
        model: sees the pictures once more.
        dataset: has the pictures.
        title: such as the names of network and data.
        tile: as for the evaluation.
        overlap: as for the evaluation.
        flips: as for the evaluation.

    Raises:
        WriteError: the page cannot be written.
    """
    pictures = []
    for caption, case in chosen_cases(evaluation):
        sample = dataset[case.index]
        ids = predicted_ids(model, sample.image, tile=tile, overlap=overlap, flips=flips)
        png = io.BytesIO()
        case_picture(sample.image, sample.mask, ids, dataset.class_names, height=320).save(png, format="PNG")
        pictures.append((caption, base64.b64encode(png.getvalue()).decode()))
    text = render(
        "unetzoo.evaluation",
        title=title,
        subtitle=_subtitle(evaluation),
        explanation=_explanation(evaluation),
        columns=list(evaluation.mean),
        rows=[*zip(evaluation.class_names, evaluation.classes, strict=True), ("mean", evaluation.mean)],
        class_columns=[f"IoU of {name}" for name in evaluation.class_names],
        evaluation=evaluation,
        pictures=pictures,
        cell=_cell,
    )
    write_text(path, text)


def chosen_cases(evaluation: Evaluation) -> Iterator[tuple[str, Case]]:
    """The worst, the middle and the best cases, each once, with what to call them."""
    ranked = evaluation.ranked
    middle = max(0, len(ranked) // 2 - _EACH // 2)
    groups = {
        "worst": ranked[:_EACH],
        "median": ranked[middle : middle + _EACH],
        "best": ranked[: -_EACH - 1 : -1],
    }
    shown: set[int] = set()
    for name, cases in groups.items():
        for case in cases:
            if case.index not in shown:
                shown.add(case.index)
                yield f"{name}: {case.name}, mean IoU {case.mean_iou:.4f}", case


def _cell(number: Estimate) -> "Markup":
    value, _, interval = str(number).partition(" ")
    cell: Markup = trusted(f'{value} <span class="interval">{interval}</span>' if interval else value)
    return cell


def _subtitle(evaluation: Evaluation) -> str:
    if len(evaluation.cases) == 1:
        return "1 image, so without intervals"
    drawn = f"{evaluation.resamples:,} draws of images (seed {evaluation.seed})"
    return f"{len(evaluation.cases):,} images; 95 % intervals from {drawn}"


def _explanation(evaluation: Evaluation) -> str:
    told = "IoU, Dice, precision and recall are those of the pixels of all images together."
    if HAUSDORFF in evaluation.mean:
        told += f" {HAUSDORFF} (in pixels) and {SURFACE_DICE} are means over the images where they are defined."
    return told
