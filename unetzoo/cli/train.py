"""`unetzoo train`: from a folder of images and masks to a network, in one command."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from unetzoo.cli.common import ARGUMENTS, MORE, Json
from unetzoo.cli.data_flags import (
    IMAGES,
    MASKS,
    ClassNames,
    Ignore,
    MaskKind,
    MaybeSource,
    NearestColor,
    SliceAxis,
    Slices,
    Spacing,
    SplitByName,
    Threshold,
    ValueNormalization,
    read_survey,
)
from unetzoo.cli.fields import with_fields
from unetzoo.cli.kinds import completing
from unetzoo.cli.models import load_model
from unetzoo.cli.train_output import say_new_run, say_warnings
from unetzoo.cli.train_plan import planned
from unetzoo.cli.train_recipe import (
    begun_folder,
    check_early,
    check_start,
    network_changes,
    recipe_tables,
    training_changes,
)
from unetzoo.cli.train_run import train_folds, train_one
from unetzoo.cli.values import read_numbers
from unetzoo.errors import OptionError
from unetzoo.training.options import FitOptions, read_crop

_NETWORK = "Network"
_PANELS = {
    "Length": ("epochs", "steps", "minutes", "batch"),
    "Crops": ("crop", "balance", "augment"),
    "Optimization": ("loss", "learning_rate", "encoder_rate", "frozen_epochs"),
    "Machine": ("device", "precision", "workers"),
    MORE: (
        "augmented",
        "elastic",
        "weight_decay",
        "warm_up",
        "schedule",
        "clip",
        "average",
        "supervision",
        "activation_checkpointing",
        "checkpoint_steps",
        "trackers",
    ),
}


@with_fields(
    FitOptions,
    flags={"trackers": "--track"},
    metavars={"loss": "EXPRESSION", "device": "NAME", "trackers": "NAME", "crop": "PIXELS"},
    readers={"crop": read_crop},
    defaults={
        "learning_rate": "0.001; up to 0.006 in narrow networks",
        "encoder_rate": "1; 0.1 with --pretrained or --from",
        "epochs": "30; fewer with --steps, and on a CPU as many as fit into an hour",
    },
    panels=_PANELS,
)
def train(
    context: typer.Context,
    *,
    data: MaybeSource = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the run", show_default=False)],
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            autocompletion=completing("recipe"),
            help="Train by one of `unetzoo recipes`, or run this recipe.toml again; flags beside it replace its values",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Replace a value of the recipe, such as training.steps=500; nothing after = is the default; may be "
            "repeated",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            rich_help_panel=_NETWORK,
            help="Begin with the weights of this network, as far as they fit: a folder or USER/NAME on the Hub; also "
            "the default of decoder, encoder and objects",
        ),
    ] = None,
    decoder: Annotated[
        str | None,
        typer.Option(
            "--decoder",
            "-d",
            metavar="NAME",
            autocompletion=completing("decoder"),
            rich_help_panel=_NETWORK,
            help="One of `unetzoo list decoders`  [default: unet]",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            "-e",
            metavar="NAME",
            autocompletion=completing("encoder"),
            rich_help_panel=_NETWORK,
            help="One of `unetzoo list encoders`  [default: resnet34]",
        ),
    ] = None,
    spatial_dims: Annotated[
        int | None,
        typer.Option(
            metavar="2|3",
            rich_help_panel=_NETWORK,
            help="Axes of the network: 3 for one that sees whole volumes, not images or slices; without another flag "
            "for network, crop, batch and spacing, these are planned, as by `unetzoo plan`  [default: 2]",
        ),
    ] = None,
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained", rich_help_panel=_NETWORK, help="Start from the encoder's pretrained weights (from the Hub)"
        ),
    ] = False,
    encoder_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            rich_help_panel=_NETWORK,
            help="Option of the encoder, such as depth=4; may be repeated",
        ),
    ] = None,
    decoder_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            rich_help_panel=_NETWORK,
            help="Option of the decoder, such as norm=group; may be repeated",
        ),
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completing("object"),
            rich_help_panel=_NETWORK,
            help="Number the objects, by one of `unetzoo list objects`; none: classes of pixels  [default: none]",
        ),
    ] = None,
    objects_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            rich_help_panel=_NETWORK,
            help="Option of the coding, such as min_size=15; may be repeated",
        ),
    ] = None,
    values: dict[str, Any],
    classes: ClassNames = None,
    channels: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            rich_help_panel=IMAGES,
            help="Names of the channels of the images, such as red,green,blue,nir",
        ),
    ] = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    split_by: SplitByName = "auto",
    slices: Slices = None,
    axis: SliceAxis = None,
    nested: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            rich_help_panel=MASKS,
            help="Classes that may overlap, each of which contains the next, such as whole,core",
        ),
    ] = None,
    spacing: Spacing = None,
    normalization: ValueNormalization = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help="Train N networks, each of which holds out another part of the images, and measure each on its part; "
            "their runs are FOLDER/fold-0, FOLDER/fold-1, ...",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out with its options, perhaps with more --epochs")
    ] = False,
    json: Json = None,
) -> None:
    """Train a network, and keep the best one in FOLDER/best.

    Runs on one CPU or GPU; on several GPUs, or several machines, start it as `torchrun -m unetzoo train ...`.
    SIGTERM and Ctrl-C end it after a checkpoint; --resume continues exactly from there.

    Examples: unetzoo train cells/ --decoder unetpp --encoder resnet34 --epochs 50 --out run;
    unetzoo train cells/ --objects distance --out run, for masks that number objects;
    unetzoo train new/ --from run --out run2, to train further on other data;
    unetzoo train cells/ --folds 5 --out folds, for scores of all images;
    unetzoo train --recipe run/recipe.toml --set training.seed=1 --out run3, to train again
    """
    from unetzoo.data.masks.options import read_classes, read_values
    from unetzoo.data.survey.folds import fold_of
    from unetzoo.nn.normalization import read_normalization
    from unetzoo.training.recipe import Recipe
    from unetzoo.training.recipe_file import change, read_changes
    from unetzoo.training.run import read_run

    if pretrained and start:
        raise OptionError("--pretrained and --from are two sources of weights: give one of them")
    FitOptions(**values)  # an error names the flag, not the key of a recipe
    run = read_run(begun_folder(out)) if resume else None
    if resume and run is None:
        say_new_run(out)
    trained = load_model(start, label="--from") if start else None
    if trained is not None:
        check_start(trained, encoder)
    tables = change(recipe_tables(recipe, run, out, trained), read_changes(set_ or ()))
    flags = {
        "network.pretrained": pretrained or None,
        "network.start": start,
        "network.spatial_dims": spatial_dims,
        "data.source": data,
        "data.classes": read_classes(classes) if classes else None,
        "data.channels": [name.strip() for name in channels.split(",")] if channels else None,
        "data.masks": masks if masks != "auto" else None,
        "data.ignore": read_values(ignore) if ignore else None,
        "data.threshold": threshold,
        "data.nearest_color": nearest_color or None,
        "data.split_by": split_by if split_by != "auto" else None,
        "data.slices": slices,
        "data.axis": axis,
        "data.spacing": list(read_numbers(spacing, "--spacing")) or None,
        "data.folds": folds,
        "data.normalization": [read_normalization(each) for each in normalization] if normalization else None,
        "data.nested": [name.strip() for name in nested.split(",")] if nested else None,
    }
    names = {"decoder": decoder, "encoder": encoder, "objects": "" if objects == "none" else objects}
    options = {"decoder": decoder_option or (), "encoder": encoder_option or (), "objects": objects_option or ()}
    changes = {key: value for key, value in flags.items() if value is not None}
    changes |= network_changes(tables, names, options) | training_changes(values, run)
    said = change(tables, changes)
    named = Recipe.from_dict(said)
    if not named.data.source:
        raise OptionError("DATA is missing: a folder, a file or a name, which only a recipe may give instead")
    if run is None:
        named = replace(named, command=shlex.join(["unetzoo", "train", *context.meta[ARGUMENTS]]))
    check_early(named, out, resume=resume)
    if trained is None and named.network.start and (run is None or named.has_all_folds):
        trained = load_model(named.network.start, label="network.start")
    survey = read_survey(
        named.data.source,
        named.data.mask_options,
        run.info if run else None,
        objects=bool(named.network.objects),
        split_by=named.data.split_by,
        slicing=named.slicing,
    )
    say_warnings(survey)
    named = planned(named, {} if recipe or run or start else said, survey)
    if named.has_all_folds:
        train_folds(survey, out, named, start=trained, resume=resume, json=json)
    else:
        part = fold_of(survey, named.data.folds, named.data.fold)
        train_one(part, out, named, start=trained, resume=resume, json=json)
