"""`unetzoo train`: from a folder of images and masks to a network, in one command."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.cli.data import (
    ClassNames,
    Ignore,
    MaskKind,
    NearestColor,
    Source,
    Threshold,
    mask_options,
    read_survey,
)
from unetzoo.cli.fields import with_fields
from unetzoo.cli.flags import in_flags
from unetzoo.cli.models import load_model
from unetzoo.cli.output import say
from unetzoo.cli.train_output import listening, say_new_run, say_result, say_warnings
from unetzoo.cli.values import read_options
from unetzoo.errors import OptionError
from unetzoo.training.options import FitOptions

if TYPE_CHECKING:
    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.segmenter import Segmenter
    from unetzoo.training.run import Run

_PRETRAINED_RATE = 0.1
_NETWORK: dict[str, Any] = {
    "decoder": "unet",
    "encoder": "resnet34",
    "encoder_options": {},
    "decoder_options": {},
    "objects": "",
    "objects_options": {},
    "head_kernel_size": 1,
}
_SIGNAL_EXIT = 128  # plus its number, as shells count


@with_fields(
    FitOptions,
    flags={"trackers": "--track"},
    metavars={"loss": "EXPRESSION", "device": "NAME", "trackers": "NAME"},
    defaults={"encoder_rate": "1; 0.1 with --pretrained or --from"},
    hidden=("cpu",),
)
def train(
    data: Source,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the run", show_default=False)],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Begin with the weights of this network, as far as they fit: a folder or USER/NAME on the Hub; also "
            "the default of decoder, encoder and objects",
        ),
    ] = None,
    decoder: Annotated[
        str | None,
        typer.Option("--decoder", "-d", metavar="NAME", help="One of `unetzoo list decoders`  [default: unet]"),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", "-e", metavar="NAME", help="One of `unetzoo list encoders`  [default: resnet34]"),
    ] = None,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Start from the encoder's pretrained weights (from the Hub)")
    ] = False,
    encoder_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the encoder, such as depth=4; may be repeated"),
    ] = None,
    decoder_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the decoder, such as norm=group; may be repeated"),
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Number the objects, by one of `unetzoo list objects`; none: classes of pixels  [default: none]",
        ),
    ] = None,
    objects_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the coding, such as min_size=15; may be repeated"),
    ] = None,
    *,
    values: dict[str, Any],
    classes: ClassNames = None,
    channels: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Names of the channels of the images, such as red,green,blue,nir"),
    ] = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out with its options, perhaps with more --epochs")
    ] = False,
) -> None:
    """Train a network, and keep the best one in FOLDER/best.

    Runs on one CPU or GPU; on several GPUs, or several machines, start it as `torchrun -m unetzoo train ...`.
    SIGTERM and Ctrl-C end it after a checkpoint; --resume continues exactly from there.

    Examples: unetzoo train cells/ --decoder unetpp --encoder resnet34 --epochs 50 --out run;
    unetzoo train cells/ --objects distance --out run, for masks that number objects;
    unetzoo train new/ --from run --out run2, to train further on other data
    """
    from unetzoo.training.run import read_run

    if pretrained and start:
        raise OptionError("--pretrained and --from are two sources of weights: give one of them")
    if pretrained:
        values = {"encoder_rate": _PRETRAINED_RATE} | values
    parts = {
        "decoder": decoder,
        "encoder": encoder,
        "encoder_options": read_options("--encoder-option", encoder_option or ()),
        "decoder_options": read_options("--decoder-option", decoder_option or ()),
        "objects": objects,
        "objects_options": read_options("--objects-option", objects_option or ()),
    }
    options = FitOptions(**values)
    run = read_run(out) if resume else None
    trained = load_model(start, label="--from") if start else None
    network = _NETWORK
    if run is not None:
        options = _resumed(run, values, options)
        network = {name: getattr(run.network, name) for name in _NETWORK}
    elif resume:
        say_new_run(out)
    if run is None and trained is not None:
        network = _network_of(trained, parts)
    else:
        network = network | {name: value for name, value in parts.items() if value}
    network["objects"] = "" if network["objects"] == "none" else network["objects"]
    _check_early(network, options.loss, out, resume=resume)
    survey = read_survey(
        data,
        mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color),
        run.info if run else None,
        objects=bool(network["objects"]),
    )
    say_warnings(survey)
    model = _create(network, survey, options.seed, pretrained=pretrained)
    names = tuple(name.strip() for name in channels.split(",")) if channels else ()
    _fit(model, survey, out, options, start=trained, channels=names, resume=resume)


def _network_of(trained: "Segmenter", parts: dict[str, Any]) -> dict[str, Any]:
    """The parts of a trained network, with the options of those that the command line does not replace."""
    own = {name: getattr(trained.config, name) for name in _NETWORK}
    if parts["encoder"] and parts["encoder"].rpartition(":")[2] != own["encoder"].rpartition(":")[2]:
        raise OptionError(
            f"the network of --from has the encoder {own['encoder']!r}, not {parts['encoder']!r}: leave --encoder out"
        )
    network = dict(own)
    for part in ("encoder", "decoder", "objects"):
        name = own[part]
        network[part] = parts[part] or name
        options = own[f"{part}_options"] if part == "encoder" or network[part] == name else {}
        network[f"{part}_options"] = options | parts[f"{part}_options"]
    return network


def _resumed(run: "Run", values: dict[str, Any], options: FitOptions) -> FitOptions:
    """The options of a run with the values of the command line; with more epochs, an epoch keeps its length."""
    names = {"device" if name == "cpu" else name for name in values}
    changes = {name: getattr(options, name) for name in names}
    if run.options.steps and "epochs" in names and "steps" not in names:
        changes["steps"] = round(run.options.steps * options.epochs / run.options.epochs)
    return replace(run.options, **changes)


def _check_early(network: dict[str, Any], loss: str, out: Path, *, resume: bool) -> None:
    """Check what can be checked before the images are read."""
    from unetzoo.assembly import create_loss, create_objects, describe
    from unetzoo.training.run import check_folder

    check_folder(out, resume=resume)
    describe("decoder", network["decoder"])
    describe("encoder", network["encoder"])
    if network["objects"]:
        create_objects(network["objects"], options=network["objects_options"])
    elif network["objects_options"]:
        raise OptionError("--objects-option needs the name of a coding: --objects NAME")
    if loss:
        create_loss(loss)


def _create(network: dict[str, Any], survey: "Survey", seed: int, *, pretrained: bool) -> "Segmenter":
    import torch

    from unetzoo.assembly import create

    statistics = survey.statistics
    torch.manual_seed(seed)
    count = len(statistics.class_names)
    return create(
        **network,
        classes=1 if network["objects"] else count,
        object_classes=max(1, count - 1) if network["objects"] else 1,
        in_channels=statistics.channels,
        pretrained=pretrained,
    )


def _fit(
    model: "Segmenter",
    survey: "Survey",
    out: Path,
    options: FitOptions,
    *,
    start: "Segmenter | None",
    channels: Sequence[str],
    resume: bool,
) -> None:
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.training.fit import fit
    from unetzoo.training.stopping import TrainingStoppedError

    keep_freed_memory()
    try:
        with listening(model, survey, options) as listener:
            result = fit(
                model, survey, out, options=options, start=start, channels=channels, resume=resume, listener=listener
            )
    except TrainingStoppedError as stopped:
        text = in_flags(str(stopped), {"resume": "--resume"})
        say("stopped:", "yellow", text.removeprefix("stopped "))
        raise typer.Exit(_SIGNAL_EXIT + stopped.signal) from stopped
    if result.is_main:
        say_result(result)
