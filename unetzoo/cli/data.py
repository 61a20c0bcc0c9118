"""`unetzoo data check`: the statistics and problems of a data set, before training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.flags import in_flags
from unetzoo.cli.output import new_table, say, show, show_result
from unetzoo.cli.progress import counting, progress

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.data.formats.slices import Slicing
    from unetzoo.data.masks.options import MaskOptions
    from unetzoo.data.survey.statistics import Statistics
    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.info import ModelInfo

data = typer.Typer(help="Look at a data set, or convert one.", rich_markup_mode=None)
_ERRORS_EXIT = 1
IMAGES, MASKS = "Images", "Masks"
"""Sections of help texts."""

_SOURCE = typer.Argument(
    metavar="DATA",
    help="Folder with images/ and masks/ (or train/, val/, test/ with both), a .csv, .tsv or .jsonl file with "
    "the columns image and mask, a folder or file of annotations (COCO, LabelMe, CVAT, QuPath, ImageJ, YOLO; "
    "coco:FOLDER if a folder holds several), a Hugging Face data set (hf:user/name, hf:user/name:config, or a "
    "folder), or a name of `unetzoo list datasets`",
    show_default=False,
)
Source = Annotated[str, _SOURCE]
MaybeSource = Annotated[str | None, _SOURCE]
"""Of a command in which a recipe may name the data."""
ClassNames = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="NAMES",
        rich_help_panel=MASKS,
        help="Names of the classes, such as sky,cell; or names and values in the masks, such as sky=0,cell=255 or "
        "cell=#ff0000; several values of one class as 'crop=1|2'",
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="VALUES",
        rich_help_panel=MASKS,
        help="Values or colors in the masks whose pixels do not count, such as 0,-9999 or '#000000'; may be repeated",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--mask-threshold",
        "--threshold",
        metavar="VALUE",
        rich_help_panel=MASKS,
        help="Lowest value of the foreground in masks with soft edges, such as 128 or 0.5",
    ),
]
NearestColor = Annotated[
    bool,
    typer.Option(
        "--nearest-color",
        "--nearest-colour",
        rich_help_panel=MASKS,
        help="Read a color or value that belongs to no class as the nearest one that does",
    ),
]
MaskKind = Annotated[
    str,
    typer.Option(
        "--masks",
        "--labels",
        metavar="KIND",
        rich_help_panel=MASKS,
        help="Kind of masks: auto; instances, which number the objects of one class; overlapping, planes or outlines "
        "of classes that may overlap; exclusive, of one class a pixel",
    ),
]

SplitByName = Annotated[
    str,
    typer.Option(
        "--split-by",
        metavar="WHAT",
        rich_help_panel=IMAGES,
        help="What is divided among splits that the data does not have: images; blocks, parts of images, a fifth for "
        "validation and a fifth for the test; or auto, blocks of the only image if it is large",
    ),
]

Slices = Annotated[
    int | None,
    typer.Option(
        metavar="1|3|5",
        rich_help_panel=IMAGES,
        help="Volumes: neighboring slices that are the channels of an image, itself in the middle; also says that TIFF "
        "stacks and other 3-D arrays are volumes  [default: 1 where files hold volumes]",
        show_default=False,
    ),
]
SliceAxis = Annotated[
    str | None,
    typer.Option(
        "--axis",
        metavar="AXIS",
        rich_help_panel=IMAGES,
        help="Volumes: along which slices follow one another: z, y or x (axial, coronal or sagittal)  [default: that "
        "with the largest step]",
        show_default=False,
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        "--spacing",
        metavar="STEPS",
        rich_help_panel=IMAGES,
        help="Distances between pixels to which all images are resampled, along y and x, or z, y and x with "
        "--spatial-dims 3, such as 3,0.8,0.8, in the unit of the files",
    ),
]
ValueNormalization = Annotated[
    list[str] | None,
    typer.Option(
        "--normalization",
        metavar="WORD|NUMBERS",
        rich_help_panel=IMAGES,
        help="Normalize by z-score, that of each channel in the whole image, z-score of nonzero, to 0..1, or none; or "
        "by LOW,HIGH,MEAN,STD, to cut, subtract and divide; repeated for each channel  [default: by mean and std of "
        "all images]",
        show_default=False,
    ),
]


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
    json: Json = None,
) -> None:
    """Read every image and mask once, and list everything that is wrong.

    The exit code is 1 if there are errors, which prevent training, and 0 otherwise.

    Example: unetzoo data check cells/ --classes background=0,cell=255
    """
    from unetzoo.data.formats.slices import Slicing

    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    survey = read_survey(source, options, split_by=split_by, slicing=Slicing(slices, axis))
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


def mask_options(
    classes: str | None, masks: str, ignore: list[str] | None, threshold: float | None, *, nearest_color: bool
) -> "MaskOptions":
    """The options of the command line that describe masks."""
    from unetzoo.data.masks.options import MaskOptions, read_classes, read_values

    named = read_classes(classes) if classes else None
    return MaskOptions(named, masks, read_values(ignore or ()), threshold, nearest_color)  # type: ignore[arg-type] # it checks masks


def read_survey(
    source: str,
    masks: "MaskOptions",
    trained: "ModelInfo | None" = None,
    *,
    objects: bool = False,
    split_by: str = "auto",
    slicing: "Slicing | None" = None,
) -> "Survey":
    """Read all images and masks, perhaps for a network of objects, with a progress bar on a terminal."""
    from unetzoo.data.formats.slices import AS_IT_SAYS
    from unetzoo.data.open import survey_of

    with counting("reading") as on_read:
        return survey_of(
            source,
            masks,
            trained=trained,
            objects=objects,
            split_by=split_by,  # type: ignore[arg-type] # it is checked there
            slicing=slicing or AS_IT_SAYS,
            on_read=on_read,
        )


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
        return count_of(images, "image")
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
    return f"{size} pixels (height x width), {count_of(statistics.channels, 'channel')}, {values}{nodata}"


def _classes(statistics: "Statistics") -> "Table":
    table = new_table("class", numbers=("id", "share of pixels"))
    for number, (name, share) in enumerate(zip(statistics.class_names, statistics.class_frequencies, strict=True)):
        table.add_row(name, str(number), f"{share:.2%}")
    if statistics.labels == "overlapping":
        table.add_section()
        table.add_row("several classes", "", f"{statistics.overlap:.2%}")
    return table
