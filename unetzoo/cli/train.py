"""`unetzoo train`: from a folder of images and masks to a network, in one command."""

from dataclasses import fields, replace
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
from unetzoo.cli.output import say
from unetzoo.cli.tiling import DeviceName
from unetzoo.cli.train_output import say_result, say_warnings, shown
from unetzoo.cli.values import read_options
from unetzoo.training.options import FitOptions

if TYPE_CHECKING:
    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.info import ModelInfo
    from unetzoo.nn.segmenter import Segmenter

_DEFAULTS = FitOptions()
_PRETRAINED_RATE = 0.1
_OPTIONS = {
    "encoder_option": "encoder_options",
    "decoder_option": "decoder_options",
    "track": "trackers",
    "cpu": "device",
}
_SIGNAL_EXIT = 128  # plus its number, as shells count


def train(
    context: typer.Context,
    data: Source,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="folder of the run", show_default=False)],
    decoder: Annotated[
        str, typer.Option("--decoder", "-d", metavar="NAME", help="see `unetzoo list decoders`")
    ] = "unet",
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", metavar="NAME", help="see `unetzoo list encoders`")
    ] = "resnet34",
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="start from the encoder's pretrained weights (from the Hub)")
    ] = False,
    loss: Annotated[
        str, typer.Option(metavar="EXPRESSION", help='such as "dice + 0.5*focal"; empty: "dice + ce"')
    ] = _DEFAULTS.loss,
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    epochs: Annotated[int, typer.Option(metavar="N", help="each has at least 50 steps")] = _DEFAULTS.epochs,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="updates of the weights, shared evenly among the epochs")
    ] = _DEFAULTS.steps,
    batch: Annotated[int, typer.Option(metavar="N", help="crops per step")] = _DEFAULTS.batch,
    crop: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="side of the crops  [default: 256, or less]", show_default=False),
    ] = _DEFAULTS.crop,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="the highest one")] = _DEFAULTS.learning_rate,
    encoder_rate: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="learning rate of the encoder, as a share of --learning-rate  [default: 1; 0.1 with --pretrained]",
            show_default=False,
        ),
    ] = None,
    weight_decay: Annotated[float, typer.Option(metavar="DECAY", help="that of AdamW")] = _DEFAULTS.weight_decay,
    warm_up: Annotated[
        float, typer.Option(metavar="SHARE", help="share of the steps during which the learning rate rises")
    ] = _DEFAULTS.warm_up,
    schedule: Annotated[str, typer.Option(metavar="NAME", help="cosine or poly")] = _DEFAULTS.schedule,
    clip: Annotated[float, typer.Option(metavar="NORM", help="largest norm of the gradient")] = _DEFAULTS.clip,
    average: Annotated[
        float, typer.Option(metavar="DECAY", help="decay of the moving average of the weights; 0 disables it")
    ] = _DEFAULTS.average,
    supervision: Annotated[
        str, typer.Option(metavar="NAME", help="deep supervision at full or native resolution")
    ] = _DEFAULTS.supervision,
    balance: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="share of the crops that are centered on a class drawn at random  [default: 1/3]",
            show_default=False,
        ),
    ] = _DEFAULTS.balance,
    augment: Annotated[str, typer.Option(metavar="NAME", help="full, flips or none")] = _DEFAULTS.augment,
    elastic: Annotated[
        float, typer.Option(metavar="SHARE", help="share of the crops that are deformed elastically")
    ] = _DEFAULTS.elastic,
    frozen_epochs: Annotated[
        int, typer.Option(metavar="N", help="epochs at the start in which the encoder does not change")
    ] = _DEFAULTS.frozen_epochs,
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="float32, bfloat16 or float16; the latter two mixed with float32")
    ] = _DEFAULTS.precision,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="processes that read images  [default: 0 on a CPU]", show_default=False),
    ] = _DEFAULTS.workers,
    checkpoint_steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="steps between two of them  [default: one epoch]", show_default=False),
    ] = _DEFAULTS.checkpoint_steps,
    seed: Annotated[int, typer.Option(metavar="N", help="seed of the random numbers")] = _DEFAULTS.seed,
    encoder_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="one of the encoder's own, such as depth=4; may be repeated"),
    ] = None,
    decoder_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="one of the decoder's own, such as norm=group; may be repeated"),
    ] = None,
    activation_checkpointing: Annotated[bool, typer.Option("--activation-checkpointing", help="save memory")] = False,
    track: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="tensorboard or trackio; may be repeated")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="continue the run in --out with its options, perhaps with more --epochs",
        ),
    ] = False,
    device: DeviceName = None,
    cpu: Annotated[bool, typer.Option("--cpu/--no-cpu", hidden=True)] = False,  # an older word for --device cpu
) -> None:
    """Train a network, and keep the best one in FOLDER/best.

    Runs on one CPU or GPU; on several GPUs, or several machines, start it as `torchrun -m unetzoo train ...`.
    SIGTERM and Ctrl-C end it after a checkpoint; --resume goes on exactly from there.
    """
    options = FitOptions(
        loss=loss,
        epochs=epochs,
        steps=steps,
        batch=batch,
        crop=crop,
        learning_rate=learning_rate,
        encoder_rate=encoder_rate if encoder_rate is not None else _PRETRAINED_RATE if pretrained else 1.0,
        weight_decay=weight_decay,
        warm_up=warm_up,
        schedule=schedule,  # type: ignore[arg-type] # FitOptions checks it, and the choices below
        clip=clip,
        average=average,
        supervision=supervision,  # type: ignore[arg-type]
        balance=balance,
        augment=augment,  # type: ignore[arg-type]
        elastic=elastic,
        frozen_epochs=frozen_epochs,
        precision=precision,  # type: ignore[arg-type]
        workers=workers,
        activation_checkpointing=activation_checkpointing,
        device=device,
        cpu=cpu,
        trackers=track or (),
        checkpoint_steps=checkpoint_steps,
        seed=seed,
    )
    network = {
        "decoder": decoder,
        "encoder": encoder,
        "encoder_options": read_options("--encoder-option", encoder_option or ()),
        "decoder_options": read_options("--decoder-option", decoder_option or ()),
    }
    trained = None
    if resume:
        options, network, trained = _as_before(context, out, options, network)
    _check_early(network, options.loss, out, resume=resume)
    options_of_masks = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    found = read_survey(data, options_of_masks, trained)
    say_warnings(found)
    model = _create(network, found, options.seed, pretrained=pretrained)
    _run(model, found, out, options, resume=resume)


def _as_before(
    context: typer.Context, out: Path, options: FitOptions, network: dict[str, Any]
) -> tuple[FitOptions, dict[str, Any], "ModelInfo | None"]:
    """Options, network and what is known of the data of the run in `out`, but for what the command line gives."""
    from unetzoo.training.run import read_run

    before = read_run(out)
    if before is None:
        return options, network, None
    given = {_OPTIONS.get(name, name) for name in context.params if not _is_default(context, name)}
    if before.options.steps and "epochs" in given and "steps" not in given:  # epochs stay as long as they were
        steps = round(before.options.steps * options.epochs / before.options.epochs)
        options, given = replace(options, steps=steps), given | {"steps"}
    kept = {field.name: getattr(before.options, field.name) for field in fields(FitOptions) if field.name not in given}
    return (
        replace(options, **kept),
        {name: network[name] if name in given else getattr(before.network, name) for name in network},
        before.info,
    )


def _is_default(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")


def _check_early(network: dict[str, Any], loss: str, out: Path, *, resume: bool) -> None:
    """What can be told before the images are read."""
    from unetzoo.assembly import create_loss, describe
    from unetzoo.training.run import check_folder

    check_folder(out, resume=resume)
    describe("decoder", network["decoder"])
    describe("encoder", network["encoder"])
    if loss:
        create_loss(loss)


def _create(network: dict[str, Any], found: "Survey", seed: int, *, pretrained: bool) -> "Segmenter":
    import torch

    from unetzoo.assembly import create

    statistics = found.statistics
    torch.manual_seed(seed)
    return create(
        **network, classes=len(statistics.class_names), in_channels=statistics.channels, pretrained=pretrained
    )


def _run(
    model: "Segmenter",
    found: "Survey",
    out: Path,
    options: FitOptions,
    *,
    resume: bool,
) -> None:
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.training.fit import fit
    from unetzoo.training.stopping import TrainingStoppedError

    keep_freed_memory()
    try:
        with shown(model, found, options) as listener:
            result = fit(model, found, out, options=options, resume=resume, listener=listener)
    except TrainingStoppedError as stopped:
        say("stopped:", "yellow", str(stopped).removeprefix("stopped "))
        raise typer.Exit(_SIGNAL_EXIT + stopped.signal) from stopped
    if result.is_main:
        say_result(result)
