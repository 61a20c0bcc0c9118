"""`unetzoo import`: weights of segmentation_models_pytorch, MONAI or nnU-Net as the folder of a network."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.models import network_facts, network_line
from unetzoo.cli.output import say, show_result
from unetzoo.cli.values import read_options
from unetzoo.errors import ConfigError, OptionError, did_you_mean

if TYPE_CHECKING:
    from unetzoo.nn.segmenter import Segmenter

_USUAL_RANGE = (0, 255)


def import_weights(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="FILE", help=".pt, .pth, .ckpt or .safetensors file", show_default=False),
    ],
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="New folder of the network", show_default=False)],
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="NAME", help="Its encoder_name in segmentation_models_pytorch"),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option("--architecture", metavar="NAME", help="Its class there, such as Unet  [default: as its tensors]"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="Another argument there, such as in_channels=1; repeatable"),
    ] = None,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="NAMES", help="A name for each class, such as background,cell")
    ] = None,
    mean: Annotated[
        str | None, typer.Option("--mean", metavar="NUMBERS", help="Mean of the training images, scaled to 0 to 1")
    ] = None,
    std: Annotated[
        str | None, typer.Option("--std", metavar="NUMBERS", help="Standard deviation of them, likewise")
    ] = None,
    value_range: Annotated[
        str | None,
        typer.Option("--value-range", metavar="LOW,HIGH", help="Values of the training images  [default: 0,255]"),
    ] = None,
    json: Json = None,
) -> None:
    """Make a network of weights of segmentation_models_pytorch, MONAI's DynUNet or nnU-Net.

    Example: unetzoo import last.ckpt cells --encoder resnet34 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225

    A checkpoint of nnU-Net says all of this: unetzoo import checkpoint_final.pth liver
    """
    from unetzoo._utils.atomic import check_new_folder
    from unetzoo.interop.checkpoint_file import read_checkpoint
    from unetzoo.weights.folder import save

    check_new_folder(out)
    options = read_options("--option", option or ())
    if architecture is not None:
        options["_model_class"] = _known(architecture)
    model = _network(read_checkpoint(checkpoint), encoder, options)
    info, names = model.config.info, _names(classes, model.config.classes)
    means, deviations = _numbers("--mean", mean), _numbers("--std", std)
    limits = _numbers("--value-range", value_range)
    if info.normalization and (means or deviations or limits):
        raise OptionError("this checkpoint says how images are normalized: leave out --mean, --std and --value-range")
    try:
        if not info.normalization:
            info = replace(info, mean=means, std=deviations, value_range=limits or _USUAL_RANGE)
        info = replace(info, class_names=names or info.class_names)
    except ConfigError as error:
        raise OptionError(str(error)) from error
    if not (info.normalization or (means and deviations)):
        say(
            "warning:",
            "yellow",
            "weights do not say how images were normalized: name the --mean and --std if they were",
        )
    folder = save(model, out, info=info)
    show_result({**network_facts(model), "folder": str(folder)}, json, network_line(model), f"saved in {folder}")


def _network(checkpoint: dict[str, Any], encoder: str | None, options: dict[str, Any]) -> "Segmenter":
    from unetzoo.interop.monai import is_dynunet, network_from_monai
    from unetzoo.interop.nnunet import is_nnunet, network_from_nnunet, unused_heads
    from unetzoo.interop.smp import network_from_smp

    if is_nnunet(checkpoint):
        if encoder is not None or options:
            raise OptionError("a checkpoint of nnU-Net takes no --encoder, no --architecture and no --option")
        model = network_from_nnunet(checkpoint)
        if heads := unused_heads(checkpoint):
            say("left out:", "cyan", f"{count_of(heads, 'head')} for deep supervision, which training alone uses")
        return model
    if is_dynunet(checkpoint):
        if encoder is not None or "_model_class" in options:
            raise OptionError(
                "these are the tensors of MONAI's DynUNet, which takes no --encoder and no --architecture"
            )
        return network_from_monai(checkpoint, options=options)
    if encoder is None:
        raise OptionError("name the --encoder, encoder_name in segmentation_models_pytorch: tensors do not say it")
    return network_from_smp(checkpoint, encoder=encoder, options=options)


def _known(architecture: str) -> str:
    from unetzoo.interop.smp_families import FAMILIES

    if architecture not in FAMILIES:
        hint = did_you_mean(architecture, FAMILIES) or f"there are {', '.join(FAMILIES)}"
        raise OptionError(f"--architecture: segmentation_models_pytorch has no {architecture!r}; {hint}")
    return architecture


def _names(text: str | None, count: int) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else ()
    if len(names) not in (0, count, max(2, count)):
        raise OptionError(f"--classes has {len(names)} names, and the network {max(2, count)} classes")
    return names


def _numbers(flag: str, text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise OptionError(f"{flag} takes numbers with commas between them, such as 0.485,0.456; got {text!r}") from None
