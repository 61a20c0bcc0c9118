"""Write an evaluation as one self-contained HTML page."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo._utils.atomic import write_text
from unetzoo._utils.pages.render import render, trusted
from unetzoo._utils.texts import count_of
from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.evaluation.bootstrap import LEAST_IMAGES, Estimate
from unetzoo.evaluation.instances import match_objects
from unetzoo.evaluation.masks import object_pairs, predicted
from unetzoo.evaluation.measure import (
    HAUSDORFF,
    SURFACE_DICE,
    Case,
    Evaluation,
    calibration_rows,
    hausdorff_notes,
    interval_note,
    object_table,
)
from unetzoo.evaluation.reliability import MOST, diagrams
from unetzoo.evaluation.sheet import Shown, draw_sheet
from unetzoo.evaluation.shown import presented
from unetzoo.inference.choices import Resample
from unetzoo.inference.forward import Network
from unetzoo.nn.wrapped import network_of

if TYPE_CHECKING:
    from markupsafe import Markup

_EACH = 3  # of the worst, the middle and the best cases
_LOWEST, _HIGHEST = 320, 640  # pixels of a panel
_CALIBRATION = (
    "Brier score: the mean squared difference between probability and truth; for the most probable class, half of its "
    "sum over the classes. Calibration error: the mean distance between the probabilities of pixels and how many of "
    "these have the class, in 15 bins. Both are 0 at best and 1 at worst. Each dot is a bin; below the dashed line the "
    "network is too sure, above it not sure enough. Bars: share of the pixels. At most "
    f"{MOST} diagrams are shown, those of the largest errors."
)


@dataclass(frozen=True)
class Group:
    """Cases that are shown together.

    Attributes:
        heading: such as "Worst".
        cases: the cases, each in one group alone.
    """

    heading: str
    cases: tuple[Case, ...]


def write_page(
    path: Path,
    evaluation: Evaluation,
    model: Network,
    dataset: Dataset,
    *,
    title: str,
    facts: Mapping[str, str] | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    mirrors: int = 1,
    resample: Resample = "auto",
) -> None:
    """Write the numbers, the worst, median and best cases, and a table of all images that sorts.

    Args:
        path: of the page, which appears complete or not at all.
        evaluation: of this network on this data set.
        model: predicts the pictures once more.
        dataset: the images.
        title: such as the names of network and data.
        facts: further facts, such as the command and the date.
        tile: as for the evaluation.
        overlap: as for the evaluation.
        mirrors: as for the evaluation.
        resample: as for the evaluation.

    Raises:
        WriteError: the page cannot be written.
    """

    def picture(case: Case) -> str:
        sample, scale, _, whole = presented(dataset, case.index, network_of(model).config, resample)
        prediction = predicted(
            model, sample.image, tile=tile, overlap=overlap, mirrors=mirrors, scale=scale, whole=whole
        )
        truth = known_where_data(sample.image, sample.mask, network_of(model).config.info.nodata)
        pairs = object_pairs(prediction, truth, dataset, case.index, tuple(evaluation.object_classes))
        objects = tuple(match_objects(*pair) for pair in pairs)
        return _png(Shown(sample.image, truth, prediction.ids, objects=objects), dataset.class_names)

    groups = [
        (group.heading, [(case, _caption(case), picture(case)) for case in group.cases])
        for group in chosen_cases(evaluation)
    ]
    object_names, object_rows = object_table(evaluation)
    text = render(
        "unetzoo.evaluation",
        title=title,
        subtitle=_subtitle(evaluation),
        facts=dict(facts or {}),
        explanation=_explanation(evaluation),
        object_explanation=_object_explanation(evaluation),
        columns=list(evaluation.mean),
        rows=[*zip(evaluation.class_names, evaluation.classes, strict=True), ("mean", evaluation.mean)],
        class_columns=[f"IoU of {name}" for name in evaluation.class_names],
        calibration_rows=calibration_rows(evaluation),
        calibration_explanation=_CALIBRATION,
        diagrams=diagrams(evaluation),
        object_columns=object_names,
        object_rows=object_rows,
        counted=["AP at 0.5", *evaluation.objects.counts] if evaluation.objects else [],
        evaluation=evaluation,
        groups=groups,
        cell=_cell,
    )
    write_text(path, text)


def chosen_cases(evaluation: Evaluation) -> list[Group]:
    """The worst, the middle and the best cases, and the worst by objects where they are counted; each once."""
    ranked = evaluation.ranked
    middle = max(0, len(ranked) // 2 - _EACH // 2)
    counted = [case for case in evaluation.cases if case.average_precision is not None]
    by_objects = sorted(counted, key=lambda case: case.average_precision or 0.0)
    groups = {
        "Worst by mean IoU": ranked[:_EACH],
        f"Worst by objects ({', '.join(evaluation.object_classes)})": by_objects[:_EACH],
        "Median": ranked[middle : middle + _EACH],
        "Best": ranked[: -_EACH - 1 : -1],
    }
    shown: set[int] = set()
    chosen = []
    for heading, cases in groups.items():
        new = tuple(case for case in cases if case.index not in shown)
        shown |= {case.index for case in new}
        chosen += [Group(heading, new)] if new else []
    return chosen


def _png(shown: Shown, class_names: Sequence[str]) -> str:
    """A picture in base64, with about as many pixels as the image has."""
    height = min(max(shown.truth.shape[-2], _LOWEST), _HIGHEST)
    png = io.BytesIO()
    draw_sheet([shown], class_names, height=height).save(png, format="PNG")
    return base64.b64encode(png.getvalue()).decode()


def _caption(case: Case) -> str:
    caption = f"mean IoU {case.mean_iou:.3f}" if case.mean_iou is not None else "no score"
    if not case.objects:
        return caption
    counts = ", ".join(f"{count} {name}" for name, count in case.objects.items())
    average = "-" if case.average_precision is None else f"{case.average_precision:.3f}"
    return f"{caption}; AP at 0.5 {average} ({counts})"


def _cell(number: Estimate | int) -> "Markup":
    value, _, interval = (f"{number:,}" if isinstance(number, int) else str(number)).partition(" ")
    cell: Markup = trusted(f'{value} <span class="interval">{interval}</span>' if interval else value)
    return cell


def _subtitle(evaluation: Evaluation) -> str:
    split = f"split {evaluation.split}, " if evaluation.split else ""
    images = f"{split}{count_of(len(evaluation.cases), evaluation.noun)}"
    if len(evaluation.cases) < LEAST_IMAGES:
        return f"{images}; {interval_note(evaluation)}"
    return (
        f"{images}; 95 % intervals from {evaluation.resamples:,} draws of {evaluation.noun}s (seed {evaluation.seed})"
    )


def _explanation(evaluation: Evaluation) -> str:
    noun = evaluation.noun
    text = f"IoU, Dice, precision and recall are over the pixels of all {noun}s together."
    if HAUSDORFF in evaluation.mean:
        text += (
            f" {HAUSDORFF} (in {evaluation.unit}) and {SURFACE_DICE} are means over the {noun}s where they are "
            "defined. In the penalised distance a class that is only in the mask or only predicted is as far as the "
            f"{noun}'s diagonal."
        )
        text += "".join(f" {note}." for note in hausdorff_notes(evaluation))
    if len(evaluation.cases) >= LEAST_IMAGES and (note := interval_note(evaluation)):
        text += f" {note[0].upper()}{note[1:]}."
    return text


def _object_explanation(evaluation: Evaluation) -> str:
    text = (
        "An object is found if its IoU with a true object of its class is above 0.5. AP is the mean over IoUs of 0.5 "
        "to 0.95; RQ equals F1, and PQ = SQ * RQ. A true object that holds most of each of several predicted ones is "
        "split; a predicted one that holds most of each of several true ones is merged. Count error: the difference "
        "between the predicted and the true number."
    )
    if len(evaluation.object_classes) > 1:
        text += " In all classes, too, objects match only those of their class."
    return text
