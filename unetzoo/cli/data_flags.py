"""Flags that say how the images and masks of a data set are read, of all commands that read one."""

from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.progress import counting

if TYPE_CHECKING:
    from unetzoo.data.formats.slices import Slicing
    from unetzoo.data.masks.options import MaskOptions
    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.info import ModelInfo

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
