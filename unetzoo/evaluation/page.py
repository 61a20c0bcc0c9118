"""An evaluation as one HTML page, which needs no network."""

import base64
import io
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo.errors import DataError
from unetzoo.evaluation.bootstrap import Estimate
from unetzoo.evaluation.evaluate import HAUSDORFF, SURFACE_DICE, Case, Evaluation
from unetzoo.evaluation.masks import predicted_ids
from unetzoo.evaluation.pictures import case_picture
from unetzoo.inference.predict import Network
from unetzoo.samples import Dataset

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
    tile: int = 1024,
    overlap: int = 128,
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
        DataError: the page cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    pictures = []
    for caption, case in chosen_cases(evaluation):
        sample = dataset[case.index]
        ids = predicted_ids(model, sample.image, tile=tile, overlap=overlap, flips=flips)
        png = io.BytesIO()
        case_picture(sample.image, sample.mask, ids, dataset.class_names, height=320).save(png, format="PNG")
        pictures.append((caption, base64.b64encode(png.getvalue()).decode()))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("unetzoo.evaluation").joinpath("page.html").read_text(encoding="utf-8"))
    text = template.render(
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
    _write(path, text)


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
    from markupsafe import Markup

    value, _, interval = str(number).partition(" ")
    return Markup(f'{value} <span class="interval">{interval}</span>' if interval else value)  # noqa: S704 - digits alone


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


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.writing")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DataError(f"cannot write {path}: {error.strerror}") from error
