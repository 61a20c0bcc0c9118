"""`unetzoo suggest`: list the images that are worth labeling next."""

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.models import ModelName, More, load_models
from unetzoo.cli.output import new_table, show_result
from unetzoo.cli.progress import counting
from unetzoo.cli.tiling import DeviceName, EngineName, Mirrors, Overlap, ResampleName, Tile
from unetzoo.errors import OptionError
from unetzoo.inference.choices import Uncertainty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unetzoo.inference.files.suggest import Suggestion


def suggest(
    model: ModelName,
    images: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="Image, folder of images (subfolders included), a .csv, .tsv or .jsonl file with the column image, "
            "a Hugging Face data set (hf:user/name), or a name of `unetzoo list datasets`",
            show_default=False,
        ),
    ],
    with_: More = None,
    count: Annotated[int, typer.Option(metavar="N", help="Number of images")] = 20,
    uncertainty: Annotated[
        Uncertainty | None,
        typer.Option(
            metavar="entropy|disagreement",
            help="What to rank by  [default: disagreement of several networks or of mirror images, else entropy]",
            show_default=False,
        ),
    ] = None,
    tile: Tile = None,
    overlap: Overlap = None,
    mirrors: Mirrors = 1,
    resample: ResampleName = "auto",
    device: DeviceName = None,
    engine: EngineName = None,
    csv_: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the list as a table that predict takes", show_default=False),
    ] = None,
    json: Json = None,
) -> None:
    """List the images of which a network is least sure, to label them next.

    The uncertainty of an image is the mean over its pixels, from 0 to 1: the entropy of the probabilities, or how much
    several networks (--with, a folder of train --folds) or mirror images (--mirrors) disagree. No masks are written.

    Example: unetzoo suggest run new/ --count 20 --csv next.csv
    """
    from unetzoo._utils.atomic import check_place
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.inference.files.computed import network_for
    from unetzoo.inference.files.suggest import suggest as find

    if csv_:
        if csv_.suffix.lower() != ".csv":
            raise OptionError(f"--csv must be a .csv file, got {csv_}")
        check_place(csv_)
    keep_freed_memory()
    network = network_for(load_models(model, with_), device, engine)
    with counting("images") as on_image:
        suggestions = find(
            network,
            images,
            count=count,
            uncertainty=uncertainty,
            tile=tile,
            overlap=overlap,
            mirrors=mirrors,
            resample=resample,
            on_image=on_image,
        )
    table = new_table("image", numbers=("uncertainty",))
    for each in suggestions:
        table.add_row(each.image, f"{each.uncertainty:.4f}")
    show_result({"model": model, "suggestions": [asdict(each) for each in suggestions]}, json, table)
    if csv_:
        _write_csv(suggestions, csv_)


def _write_csv(suggestions: "Sequence[Suggestion]", path: Path) -> None:
    from unetzoo._utils.atomic import write_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("image", "uncertainty"), *((each.image, each.uncertainty) for each in suggestions)])
    write_text(path, text.getvalue())
