"""`unetzoo data check`: everything that is wrong with a data set, and what it is like, before a training."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.output import check_json, new_table, show, write_json
from unetzoo.cli.progress import counting

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.data.masks.options import MaskOptions
    from unetzoo.data.survey.check import Problem
    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.info import ModelInfo

data = typer.Typer(help="Look at a data set.", rich_markup_mode=None)
_ERRORS_EXIT = 1

Source = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="a folder with images/ and masks/ (or train/, val/, test/ with both), a .csv, .tsv or .jsonl file with "
        "the columns image and mask, a Hugging Face data set (hf:user/name, hf:user/name:config, or a folder), or a "
        "name of `unetzoo list datasets`",
        show_default=False,
    ),
]
ClassNames = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="NAMES",
        help="names, such as sky,cell; or with the values in the masks, such as sky=0,cell=255 or cell=#ff0000; "
        "several values of one class as 'crop=1|2'",
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="VALUES",
        help="values or colors in the masks whose pixels do not count, such as 0,-9999 or '#000000'; may be repeated",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(metavar="VALUE", help="least value of the foreground, in masks with soft edges, such as 128 or 0.5"),
]
NearestColor = Annotated[
    bool,
    typer.Option(
        "--nearest-color",
        "--nearest-colour",
        help="read colors and values of no class as the nearest one of a class",
    ),
]
MaskKind = Annotated[
    str, typer.Option("--masks", metavar="KIND", help="auto, or instances: masks number the objects of one class")
]


@data.command("check")
def check(
    source: Source,
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    json: Json = None,
) -> None:
    """Read every image and mask once, and list all that is wrong.

    The exit code is 1 where something stands in the way of training, 0 where there is nothing, or warnings alone.
    """
    check_json(json)
    found = read_survey(source, mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color))
    if json:
        write_json(_as_dict(found), json)
    else:
        show(*_report(found))
    if _errors(found):
        raise typer.Exit(_ERRORS_EXIT)


def mask_options(
    classes: str | None, masks: str, ignore: list[str] | None, threshold: float | None, *, nearest_color: bool
) -> "MaskOptions":
    """What the options of the command line say of masks."""
    from unetzoo.data.masks.options import MaskOptions, read_classes, read_values

    named = read_classes(classes) if classes else None
    return MaskOptions(named, masks, read_values(ignore or ()), threshold, nearest_color)  # type: ignore[arg-type] # it checks masks


def read_survey(source: str, masks: "MaskOptions", trained: "ModelInfo | None" = None) -> "Survey":
    """What reading all images and masks gives, with a progress bar on a terminal."""
    from unetzoo.data.survey.survey import survey_with

    with counting("reading") as on_read:
        return survey_with(source, masks, trained=trained, on_read=on_read)


def _errors(found: "Survey") -> list["Problem"]:
    return [problem for problem in found.problems if problem.severity == "error"]


def _report(found: "Survey") -> list["str | Table"]:
    counts = ", ".join(f"{len(indices):,} {split}" for split, indices in found.splits.items())
    lines: list[str | Table] = [f"{count_of(len(found.readings), 'image')} with masks: {counts}"]
    if not _errors(found):
        lines += ["", _images(found), "", _classes(found)]
    if found.problems:
        lines += ["", _problems(found.problems)]
    else:
        lines += ["", "nothing is wrong"]
    return lines


def _images(found: "Survey") -> str:
    told = found.statistics
    smallest, largest = (" x ".join(map(str, size)) for size in (told.smallest, told.largest))
    size = smallest if smallest == largest else f"{smallest} to {largest}"
    low, high = told.value_range
    mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (told.mean, told.std))
    channels = count_of(told.channels, "channel")
    values = f"values {low:g} to {high:g}\nscaled to 0 to 1: mean {mean}; std {std}"
    nodata = "".join(f"\nno data: {value:.8g}" for value in told.nodata)
    return f"{size} pixels (height x width), {channels}, {values}{nodata}"


def _classes(found: "Survey") -> "Table":
    table = new_table("class", numbers=("id", "share of pixels"))
    told = found.statistics
    for number, (name, share) in enumerate(zip(told.class_names, told.class_frequencies, strict=True)):
        table.add_row(name, str(number), f"{share:.2%}")
    return table


def _problems(problems: list["Problem"]) -> "Table":
    table = new_table("", "problem")
    for problem in problems:
        table.add_row(problem.severity, problem.text)
    return table


def _as_dict(found: "Survey") -> dict[str, object]:
    return {
        "splits": {split: len(indices) for split, indices in found.splits.items()},
        "problems": [asdict(problem) for problem in found.problems],
        "statistics": None if _errors(found) else asdict(found.statistics),
    }
