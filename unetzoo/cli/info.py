"""`unetzoo info`: the levels and blocks of a network, what they cost, and a drawing of them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import new_table, show, show_result
from unetzoo.cli.values import read_options, read_size

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.inspection.anatomy import Anatomy, Cost, Part, Size
    from unetzoo.nn.segmenter import Segmenter


def info(
    decoder: Annotated[
        str, typer.Argument(metavar="DECODER", help="One of `unetzoo list decoders`", show_default=False)
    ],
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", metavar="NAME", help="One of `unetzoo list encoders`", show_default=False)
    ],
    classes: Annotated[int, typer.Option(metavar="N", help="Channels of the logits")] = 1,
    in_channels: Annotated[int, typer.Option(metavar="N", help="Channels of the image")] = 3,
    image_size: Annotated[str, typer.Option(metavar="SIZE|HxW", help="Size of the image in pixels")] = "256",
    encoder_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the encoder, such as depth=4; may be repeated"),
    ] = None,
    decoder_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the decoder, such as norm=group; may be repeated"),
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the network to this .svg or .png file", show_default=False),
    ] = None,
    json: Json = None,
) -> None:
    """Show a network's levels and blocks, and what they cost.

    Multiply-adds are those of the convolutions and matrix products for one image, as they are computed. The network is
    built without memory for its weights, and nothing is downloaded.

    Example: unetzoo info unet --encoder resnet34 --image-size 512 --draw unet.svg
    """
    height, width = read_size(image_size)
    encoder_options = read_options("--encoder-option", encoder_option or ())
    decoder_options = read_options("--decoder-option", decoder_option or ())
    if draw:
        from unetzoo.inspection.drawing import check_target

        check_target(draw)
    import torch

    from unetzoo.assembly import create
    from unetzoo.inspection.dissect import dissect

    with torch.device("meta"):
        model = create(
            decoder,
            encoder=encoder,
            classes=classes,
            in_channels=in_channels,
            encoder_options=encoder_options,
            decoder_options=decoder_options,
        )
    anatomy = dissect(model, (height, width))
    show_result(asdict(anatomy), json, _title(model, (height, width)), "", _table(anatomy))
    if draw:
        from unetzoo.inspection.drawing import save_drawing

        save_drawing(anatomy, draw, title=f"{decoder} · {encoder}", image=(in_channels, height, width))
        show("", f"drawn in {draw}")


def _title(model: "Segmenter", size: "Size") -> str:
    config = model.config
    channels = _count(config.in_channels, "channel", "channels")
    classes = _count(config.classes, "class", "classes")
    return f"{config.decoder} with {config.encoder}: {channels} in, {classes} out, image {size[0]} x {size[1]}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _table(anatomy: "Anatomy") -> "Table":
    table = new_table("part", numbers=("channels", "reduction", "size", "parameters", "multiply-adds"))
    for kind in ("encoder", "decoder", "head"):
        for part in anatomy.parts:
            if part.kind == kind:
                table.add_row(*_row(part))
        rest = anatomy.rest.get(kind)
        if rest and (rest.parameters or rest.multiply_adds):
            table.add_row(f"{kind}, elsewhere", "", "", "", *_cost(rest))
        table.add_section()
    table.add_row("total", "", "", "", *_cost(anatomy.total), style="bold")
    return table


def _row(part: "Part") -> tuple[str, ...]:
    label = part.name if part.kind == part.name else f"{part.kind} {part.name}"
    height, width = part.size
    return label, str(part.channels), str(part.reduction), f"{height} x {width}", *_cost(part.cost)


def _cost(cost: "Cost") -> tuple[str, str]:
    return f"{cost.parameters:,}", f"{cost.multiply_adds / 1e6:,.1f} M"
