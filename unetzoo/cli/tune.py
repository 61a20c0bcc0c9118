"""`unetzoo tune`: choose how a network's maps become its result, on images with known masks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.data import ClassNames, Ignore, MaskKind, NearestColor, Source, SplitByName, Threshold, mask_options
from unetzoo.cli.output import PRINT, check_json, new_table, show, write_json
from unetzoo.cli.progress import progress
from unetzoo.cli.tiling import DeviceName, Tile
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.evaluation.tune import Tuning


def tune(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="Folder of a network of objects, of classes that may overlap, or with one logit",
            show_default=False,
        ),
    ],
    data: Source,
    split: Annotated[str, typer.Option(metavar="NAME", help="Split to use: train, val, test or all")] = "val",
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    split_by: SplitByName = "auto",
    tile: Tile = None,
    device: DeviceName = None,
    json: Json = None,
) -> None:
    """Choose the decoder's options of a network of objects, or thresholds of classes, and store them with the network.

    Each option, such as a threshold or the size of the smallest object, takes the value with the largest average
    precision of the objects. Each class that may overlap, and the foreground of a network with one logit, takes the
    threshold with the largest Dice. `unetzoo train` does this on the validation images at its end, but for one logit;
    this command does it for other images.

    Example: unetzoo tune run cells/
    """
    from unetzoo.data.open import dataset_of
    from unetzoo.evaluation.tune import tune as search
    from unetzoo.inference.devices import on_device
    from unetzoo.weights.folder import load, network_folder, write

    check_json(json)
    if not model.is_dir():
        raise OptionError(f"MODEL is the folder that keeps the options, and {model} is not a folder; pull it first")
    network = on_device(load(model), device)
    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    with progress() as bar:
        task = bar.add_task("tune", total=None)
        tuning = search(
            network,
            dataset_of(
                data,
                split,
                options,
                trained=network.config.info,
                objects=bool(network.config.objects),
                split_by=split_by,  # type: ignore[arg-type] # it is checked there
            ),
            tile=tile,
            on_step=lambda done, total: bar.update(task, completed=done, total=total),
        )
    write(network, network_folder(model))
    if json != PRINT:
        _show(tuning, model)
    if json:
        write_json({"model": str(model), "data": data, "split": split, **tuning.to_dict()}, json)


def _show(tuning: "Tuning", model: Path) -> None:
    table = new_table("option", numbers=("before", "after"))
    for name, values in tuning.changes.items():
        table.add_row(name, *(f"{value:g}" for value in values))
    table.add_section()
    table.add_row(tuning.score, f"{tuning.before:.4f}", f"{tuning.after:.4f}", style="bold")
    show(f"{model}, tuned on {count_of(tuning.images, 'image')}", "", table)
