"""`unetzoo export`: a network as a file that another program reads."""

from pathlib import Path
from typing import Annotated

import typer

from unetzoo.cli.models import ModelName, load_model
from unetzoo.cli.output import say, show
from unetzoo.cli.values import read_size


def export(
    model: ModelName,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File or new folder of the result", show_default=False)],
    target: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="TARGET",
            help="onnx (.onnx), openvino (.xml, .bin), torch-export (.pt2), bioimageio (.zip), monai or smp (folders)",
        ),
    ] = "onnx",
    image_size: Annotated[
        str | None, typer.Option(metavar="SIZE|HxW", help="Size of all images in pixels  [default: any]")
    ] = None,
    with_normalization: Annotated[
        bool,
        typer.Option("--with-normalization", help="The file takes raw pixels and gives probabilities"),
    ] = False,
    ids: Annotated[
        bool, typer.Option("--ids", help="With --with-normalization: it gives class ids instead of probabilities")
    ] = False,
    dtype: Annotated[
        str, typer.Option("--dtype", metavar="float32|int8", help="Arithmetic of the file; int8 for onnx and openvino")
    ] = "float32",
    calibration: Annotated[
        str | None,
        typer.Option("--calibration", metavar="IN", help="With int8: images like those that it will see"),
    ] = None,
) -> None:
    """Write a network for another program; the file is kept if that program computes the same.

    Example: unetzoo export run cells.onnx --for onnx --with-normalization
    """
    from unetzoo.inference.exports.export import export as write
    from unetzoo.inference.files.jobs import some_pixels

    network = load_model(model)
    path = write(
        network,
        out,
        target=target,
        image_size=None if image_size is None else read_size(image_size),
        with_normalization=with_normalization,
        ids=ids,
        dtype=dtype,
        calibration=() if calibration is None else some_pixels(calibration, network.config.in_channels),
        on_start=lambda: say("exporting:", "cyan", f"for {target}; checked before it is kept"),
    )
    show(f"saved in {path}")
