"""The recipe of `unetzoo train`: that of a file, a run or a trained network, changed by the flags."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unetzoo.cli.values import read_options
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.nn.segmenter import Segmenter
    from unetzoo.training.recipe import Recipe
    from unetzoo.training.run import Run

_PARTS = ("encoder", "decoder", "objects")
_OF_NETWORK = (*_PARTS, *(f"{part}_options" for part in _PARTS), "head_kernel_size", "spatial_dims")
Tables = dict[str, Any]


def recipe_tables(recipe: str | None, run: "Run | None", out: Path, trained: "Segmenter | None") -> Tables:
    """What flags change: a recipe, else that of the run which is resumed, else the parts of a trained network."""
    from unetzoo.training.recipe_file import RECIPE, read_tables

    if recipe is not None:
        return read_tables(recipe)
    if run is not None:
        begun = begun_folder(out)
        tables = read_tables(begun) if (begun / RECIPE).exists() else {}  # runs of older releases have none
        if begun != out:
            tables["data"] = {key: value for key, value in tables["data"].items() if key not in ("fold", "hash")}
        network = {name: getattr(run.network, name) for name in _OF_NETWORK}
        options = {name: value for name, value in asdict(run.options).items() if value is not None}
        return tables | {"network": tables.get("network", {}) | network, "training": options}
    if trained is not None:
        return {"network": {name: getattr(trained.config, name) for name in _OF_NETWORK}}
    return {}


def begun_folder(out: Path) -> Path:
    """The folder of a run; of several folds, that of the first."""
    from unetzoo.training.run import has_run
    from unetzoo.weights.folder import fold_folder

    first = fold_folder(out, 0)
    return first if has_run(first) else out


def network_changes(tables: Tables, names: Mapping[str, str | None], options: Mapping[str, Sequence[str]]) -> Tables:
    """The changes of parts and their options by flags; options beside those of the same part.

    Args:
        tables: what the flags change.
        names: of the parts; None: not on the command line.
        options: of each part, as they are on the command line.
    """
    old = tables.get("network", {})
    changes: Tables = {}
    for part in _PARTS:
        name, texts = names[part], options[part]
        if name is not None:
            changes[f"network.{part}"] = name
        if texts:
            own = old.get(f"{part}_options", {}) if name in (None, old.get(part)) else {}
            changes[f"network.{part}_options"] = {**own, **read_options(f"--{part}-option", texts)}
    return changes


def training_changes(values: Mapping[str, Any], run: "Run | None") -> Tables:
    """The changes of options by flags; a run that is resumed with more epochs keeps their length."""
    if run and run.options.steps and "epochs" in values and "steps" not in values:
        steps = round(run.options.steps * values["epochs"] / run.options.number_of_epochs)
        values = {**values, "steps": steps}
    return {f"training.{name}": value for name, value in values.items()}


def check_start(trained: "Segmenter", encoder: str | None) -> None:
    """Raise OptionError if a flag names another encoder than that of the network to begin with."""
    own = trained.config.encoder
    if encoder and encoder.rpartition(":")[2] != own.rpartition(":")[2]:
        raise OptionError(f"the network of --from has the encoder {own!r}, not {encoder!r}: leave --encoder out")


def check_early(recipe: "Recipe", out: Path, *, resume: bool) -> None:
    """Check what can be checked before the images are read."""
    from unetzoo.assembly import create_loss, create_objects
    from unetzoo.registry.host import host
    from unetzoo.registry.spatial import check_spatial_dims
    from unetzoo.training.folds import check_fold_folder
    from unetzoo.training.run import check_folder

    if recipe.has_all_folds:
        check_fold_folder(out, recipe.data.folds, resume=resume)
    else:
        check_folder(out, resume=resume)
    network = recipe.network
    for kind, name in (("decoder", network.decoder), ("encoder", network.encoder), ("object", network.objects)):
        if name:
            check_spatial_dims(kind, host().registries[kind].find(name).spec, network.spatial_dims)
    _ = recipe.slicing  # an error where slices and whole volumes are asked for
    if recipe.network.objects:
        create_objects(recipe.network.objects, options=recipe.network.objects_options)
    elif recipe.network.objects_options:
        raise OptionError("--objects-option needs the name of a coding: --objects NAME")
    if recipe.training.loss:
        create_loss(recipe.training.loss)
