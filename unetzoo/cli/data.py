"""`unetzoo data`: the statistics and problems of a data set, before training, and its conversion."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.data_flags import (
    IMAGES,
    ClassNames,
    Ignore,
    MaskKind,
    NearestColor,
    SliceAxis,
    Slices,
    Source,
    SplitByName,
    Threshold,
    mask_options,
    read_survey,
)
from unetzoo.cli.flags import in_flags
from unetzoo.cli.output import new_table, say, show, show_result
from unetzoo.cli.progress import progress

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.data.survey.statistics import Statistics
    from unetzoo.data.survey.survey import Survey

data = typer.Typer(help="Look at a data set, or convert one.", rich_markup_mode=None)
_ERRORS_EXIT = 1


@data.command("check")
def check(
    source: Source,
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    split_by: SplitByName = "auto",
    slices: Slices = None,
    axis: SliceAxis = None,
    spatial_dims: Annotated[
        int,
        typer.Option(
            metavar="2|3",
            rich_help_panel=IMAGES,
            help="Volumes: 3 to read them whole, as a network over three axes sees them, 2 in slices",
        ),
    ] = 2,
    json: Json = None,
) -> None:
    """Read every image and mask once, and list everything that is wrong.

    The exit code is 1 if there are errors, which prevent training, and 0 otherwise.

    Example: unetzoo data check cells/ --classes background=0,cell=255
    """
    from unetzoo.data.formats.slices import Slicing
    from unetzoo.data.open import is_whole

    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    slicing = Slicing(slices, axis, whole=is_whole(spatial_dims))
    survey = read_survey(source, options, split_by=split_by, slicing=slicing)
    show_result(survey.to_dict(), json, *_report(survey))
    if survey.errors:
        raise typer.Exit(_ERRORS_EXIT)


@data.command("convert")
def convert(
    source: Source,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write, new or empty")],
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
) -> None:
    """Write any data set as a folder with images/ and masks/, which other programs read, too.

    Images are copied. Masks are PNG files of class ids, or of the numbers of objects with --masks instances; TIFF
    where numbers exceed 65,535, and of planes where classes may overlap. The names of the classes are in masks.json,
    from which they are read again.

    Example: unetzoo data convert annotations.json cells/ --masks instances
    """
    from unetzoo.data.convert import convert_dataset

    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    with progress() as bar:
        reading, writing = (bar.add_task(label, total=None, visible=False) for label in ("reading", "writing"))
        warnings = convert_dataset(
            source,
            folder,
            classes=options.classes,
            masks=options.masks,
            ignore=options.ignore,
            threshold=options.threshold,
            nearest_color=options.nearest_color,
            on_read=lambda total: bar.update(reading, advance=1, total=total, visible=True),
            on_written=lambda total: bar.update(writing, advance=1, total=total, visible=True),
        )
    for warning in warnings:
        say("warning:", "yellow", warning)
    show(f"written to {folder}")


def _report(survey: "Survey") -> list["str | Table"]:
    cases = {split: {survey.source.case(index) for index in indices} for split, indices in survey.splits.items()}
    counts = ", ".join(f"{len(names):,} {split}" for split, names in cases.items())
    lines: list[str | Table] = [f"{_counted(survey)} with masks: {counts}"]
    if not survey.errors:
        lines += ["", _images(survey.statistics), "", _classes(survey.statistics)]
    problems = [f"{problem.severity}: {in_flags(problem.text)}" for problem in survey.problems]
    return [*lines, "", *(problems or ["nothing is wrong"])]


def _counted(survey: "Survey") -> str:
    """How many images there are, or volumes."""
    images, slicing = len(survey.names), survey.slicing
    if not slicing.is_said:
        return count_of(images, survey.noun)
    volumes = len({survey.source.case(index) for index in range(images)})
    neighbors = f", {slicing.slices} at once" if slicing.count > 1 else ""
    return f"{count_of(volumes, 'volume')}, read as {images:,} slices along {slicing.axis}{neighbors},"


def _images(statistics: "Statistics") -> str:
    smallest, largest = (" x ".join(map(str, size)) for size in (statistics.smallest, statistics.largest))
    size = smallest if smallest == largest else f"{smallest} to {largest}"
    low, high = statistics.value_range
    mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (statistics.mean, statistics.std))
    values = f"values {low:g} to {high:g}\nscaled to 0 to 1: mean {mean}; std {std}"
    nodata = "".join(f"\nno data: {value:.8g}" for value in statistics.nodata)
    axes = "voxels (depth x height x width)" if len(statistics.largest) == 3 else "pixels (height x width)"
    steps = " x ".join(f"{side:.4g}" for side in statistics.pixel_size)
    distances = f"\nmedian distances between them: {steps} {statistics.unit}" if steps else ""
    return f"{size} {axes}, {count_of(statistics.channels, 'channel')}, {values}{nodata}{distances}"


def _classes(statistics: "Statistics") -> "Table":
    table = new_table("class", numbers=("id", "share of pixels"))
    for number, (name, share) in enumerate(zip(statistics.class_names, statistics.class_frequencies, strict=True)):
        table.add_row(name, str(number), f"{share:.2%}")
    if statistics.labels == "overlapping":
        table.add_section()
        table.add_row("several classes", "", f"{statistics.overlap:.2%}")
    return table
