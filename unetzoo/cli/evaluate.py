"""`unetzoo evaluate`: measure how good a network is on a data set."""

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.extras import need
from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.data_flags import (
    ClassNames,
    Ignore,
    MaskKind,
    NearestColor,
    Source,
    SplitByName,
    Threshold,
    mask_options,
)
from unetzoo.cli.models import ModelName, More, load_models
from unetzoo.cli.output import new_table, show, show_result
from unetzoo.cli.progress import counting
from unetzoo.cli.tiling import AxesName, DeviceName, EngineName, Mirrors, Overlap, ResampleName, Tile

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.evaluation.measure import Evaluation


def evaluate(
    model: ModelName,
    data: Source,
    with_: More = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Split to use: train, val, test or all  [default: test, else val; all if there are no splits and the "
            "network was trained on other data]",
            show_default=False,
        ),
    ] = None,
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    split_by: SplitByName = "auto",
    instances: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS", help="Also match the objects of a class: connected components, or as masks number them"
        ),
    ] = None,
    surface: Annotated[
        bool, typer.Option("--surface", help="Also measure Hausdorff 95 and surface Dice; needs the extra 'surface'")
    ] = False,
    tolerance: Annotated[
        float,
        typer.Option(
            metavar="LENGTH", help="Tolerance of the surface Dice, in pixels; of volumes in the unit of their files"
        ),
    ] = 2.0,
    resamples: Annotated[
        int, typer.Option(metavar="N", help="Number of bootstrap samples for the 95 % intervals")
    ] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the bootstrap samples")] = 0,
    tile: Tile = None,
    overlap: Overlap = None,
    mirrors: Mirrors = 1,
    resample: ResampleName = "auto",
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave out the post-processing that is stored with the network")
    ] = False,
    axes: AxesName = None,
    device: DeviceName = None,
    engine: EngineName = None,
    json: Json = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the scores and the worst images")
    ] = None,
) -> None:
    """Compare the masks of a network with those of a data set.

    Reports IoU, Dice, precision and recall of each class, over the pixels of all images together, with confidence
    intervals from a bootstrap over images. Pixels whose class is unknown do not count. The Brier score and the expected
    calibration error say how far the probabilities can be trusted: with the temperature of the network, if it has one,
    and as they are with --raw.

    Example: unetzoo evaluate run cells/ --html report.html
    """
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.data.open import dataset_of, slicing_for
    from unetzoo.evaluation.evaluate import evaluate as measure
    from unetzoo.evaluation.measure import hausdorff_notes, interval_note
    from unetzoo.inference.files.computed import network_for
    from unetzoo.nn.ensemble import without_postprocessing

    _check_early(html)
    keep_freed_memory()
    network = network_for(load_models(model, with_), device, engine)
    network = without_postprocessing(network) if raw else network
    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    config = network.config
    dataset = dataset_of(
        data,
        split,
        options,
        trained=config.info,
        objects=bool(config.objects),
        split_by=split_by,  # type: ignore[arg-type] # it is checked there
        slicing=slicing_for(config),
    )
    with counting("images") as on_case:
        result = measure(
            network,
            dataset,
            surface=surface,
            tolerance=tolerance,
            instances=instances,
            resamples=resamples,
            seed=seed,
            tile=tile,
            overlap=overlap,
            mirrors=mirrors,
            resample=resample,
            axes=axes,
            on_case=on_case,
        )
    notes = [note for note in (interval_note(result),) if note]
    scores = (*_units(result), *hausdorff_notes(result), *_probabilities(result), *_objects(result), *notes)
    title = f"{model} on {data}"
    text = (f"{title}: {_images(result)}", *_note(result), "", class_table(result), *scores)
    show_result(_as_dict(model, data, result), json, *text)
    if html:
        from unetzoo.evaluation.page import write_page

        facts = _facts(model, data, result)
        write_page(
            html,
            result,
            network,
            dataset,
            title=title,
            facts=facts,
            tile=tile,
            overlap=overlap,
            mirrors=mirrors,
            resample=resample,
        )
        show("", f"page: {html}")


def _check_early(html: Path | None) -> None:
    """Raise before the work is done if the page could not be written."""
    from unetzoo._utils.atomic import check_place

    if html:
        check_place(html)
        need("evaluate", "the page", "jinja2")


def class_table(result: "Evaluation") -> "Table":
    """The scores of each class, and their means."""
    table = new_table("class", numbers=tuple(result.mean))
    for name, numbers in zip(result.class_names, result.classes, strict=True):
        table.add_row(name, *(str(number) for number in numbers.values()))
    table.add_section()
    table.add_row("mean", *(str(number) for number in result.mean.values()), style="bold")
    return table


def _images(result: "Evaluation") -> str:
    images = count_of(len(result.cases), result.noun)
    return f"split {result.split}, {images}" if result.split else images


def _units(result: "Evaluation") -> list[str]:
    from unetzoo.evaluation.measure import HAUSDORFF

    return [f"distances are in {result.unit}"] if result.noun == "volume" and HAUSDORFF in result.mean else []


def _note(result: "Evaluation") -> list[str]:
    return [f"note: {result.split_note}"] if result.split_note else []


def _probabilities(result: "Evaluation") -> "list[str | Table]":
    """How far the probabilities can be trusted; nothing for a network of objects."""
    from unetzoo.evaluation.measure import calibration_rows

    table = new_table("probabilities of", numbers=("Brier score", "calibration error"))
    for name, each in (rows := calibration_rows(result)):
        table.add_row(name, str(each.brier), str(each.ece))
    return ["", table] if rows else []


def _objects(result: "Evaluation") -> "list[str | Table]":
    """A column for each class: more scores than classes fit beside each other."""
    from unetzoo.evaluation.measure import object_table

    names, rows = object_table(result)
    table = new_table("objects", numbers=names)
    for name, numbers in rows.items():
        table.add_row(name, *(f"{number:,}" if isinstance(number, int) else str(number) for number in numbers))
    return ["", table] if rows else []


def _facts(model: str, data: str, result: "Evaluation") -> dict[str, str]:
    """How and when the scores were measured."""
    from importlib.metadata import version

    return {
        "model": str(Path(model).resolve()) if Path(model).exists() else model,
        "data": str(Path(data).resolve()) if Path(data).exists() else data,
        "split": result.split,
        "command": shlex.join(["unetzoo", *sys.argv[1:]]),
        "date": datetime.now().astimezone().isoformat(" ", "seconds"),
        "unetzoo": version("unetzoo"),
    }


def _as_dict(model: str, data: str, result: "Evaluation") -> dict[str, object]:
    return {**_facts(model, data, result), "model": model, "data": data, **result.to_dict()}
