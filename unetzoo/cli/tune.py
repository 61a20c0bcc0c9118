"""`unetzoo tune`: choose how a network's maps become its result, on images with known masks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from unetzoo.cli.output import new_table, show_result
from unetzoo.cli.progress import progress
from unetzoo.cli.tiling import DeviceName, Tile
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.evaluation.tune import Tuning
    from unetzoo.evaluation.tune_masks import MaskTuning


def tune(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Folder of a network, as unetzoo train wrote it", show_default=False),
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
    """Choose how the output of a network becomes its result, and store that with the network.

    Each option of a decoder of objects, such as a threshold or the size of the smallest object, takes the value with
    the largest average precision of the objects. Each class that may overlap, and the foreground of a network with one
    logit, takes the threshold with the largest Dice. `unetzoo train` does this on the validation images at its end, but
    for one logit; this command does it for other images.

    A network of classes that exclude one another gets the temperature that fits its probabilities best. Then a class
    may get a threshold, filled holes, its largest component alone, or a smallest size of components: what raises the
    mean IoU and lowers that of no class. predict and evaluate apply it, --raw leaves it out. `unetzoo train --folds`
    does this at its end.

    Example: unetzoo tune run cells/
    """
    from unetzoo.data.open import dataset_of, slicing_for
    from unetzoo.evaluation.tune import tune as search
    from unetzoo.evaluation.tune_masks import MaskTuning, tune_masks
    from unetzoo.inference.devices import on_device
    from unetzoo.nn.config import is_sigmoid
    from unetzoo.weights.folder import load, network_folder, write

    if not model.is_dir():
        raise OptionError(f"MODEL is the folder that keeps the options, and {model} is not a folder; pull it first")
    network = on_device(load(model), device)
    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    objects = bool(network.config.objects)
    dataset = dataset_of(
        data,
        split,
        options,
        trained=network.config.info,
        objects=objects,
        split_by=split_by,  # type: ignore[arg-type] # it is checked there
        slicing=slicing_for(network.config),
    )
    with progress() as bar:
        task = bar.add_task("tune", total=None)

        def on_step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        tuning = (search if objects or is_sigmoid(network.config) else tune_masks)(
            network, dataset, tile=tile, on_step=on_step
        )
    write(network, network_folder(model))
    images = count_of(tuning.images, tuning.noun)
    if isinstance(tuning, MaskTuning):
        title, table = f"post-processing of {model}, chosen on {images}", mask_table(tuning)
    else:
        title, table = f"{model}, tuned on {images}", _option_table(tuning)
    value = {"model": str(model), "data": data, "split": split, **tuning.to_dict()}
    show_result(value, json, title, "", table)


def mask_table(tuning: "MaskTuning") -> "Table":
    """What was chosen, and the IoU of each class before and after."""
    table = new_table("IoU", numbers=("before", "after"))
    for name, before in tuning.before.items():
        table.add_row(name, *("-" if value is None else f"{value:.4f}" for value in (before, tuning.after[name])))
    table.add_section()
    table.add_row("mean IoU", f"{tuning.mean_before:.4f}", f"{tuning.mean_after:.4f}", style="bold")
    table.add_row("log loss", f"{tuning.loss_before:.4f}", f"{tuning.loss_after:.4f}")
    for name, value in tuning.postprocessing.items():
        text = ", ".join(f"{each} {value[each]:g}" for each in value) if isinstance(value, dict) else value
        table.add_row(name.replace("_", " "), "", ", ".join(text) if isinstance(text, list) else str(text))
    return table


def _option_table(tuning: "Tuning") -> "Table":
    """What was chosen, and the score before and after."""
    table = new_table("option", numbers=("before", "after"))
    for name, values in tuning.changes.items():
        table.add_row(name, *(f"{value:g}" for value in values))
    table.add_section()
    table.add_row(tuning.score, f"{tuning.before:.4f}", f"{tuning.after:.4f}", style="bold")
    return table
