"""How a network predicts images of any size: options that `unetzoo evaluate` and `unetzoo tune` share."""

from typing import Annotated

import typer

from unetzoo.inference.choices import MIRRORS, Resample

Tile = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="Side of a tile, which the network sees at once  [default: 2048; 1280 for an image of over 134 million "
        "pixels; 128 over three axes]",
        show_default=False,
    ),
]
Overlap = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="Width that neighboring tiles share  [default: 128, or a quarter of --tile]",
        show_default=False,
    ),
]
Mirrors = Annotated[
    int,
    typer.Option(
        metavar="|".join(map(str, MIRRORS[2])),
        help="Average over 2 mirror images, left-right, for data with an up; over 4, also upside down; or with their "
        "quarter turns over 8; for as many times the work; over three axes 2 or 8 mirror images",
    ),
]
ResampleName = Annotated[
    Resample,
    typer.Option(
        metavar="auto|never",
        help="Whether images whose pixels have another size than those of the training are predicted at that size",
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Engine, see unetzoo list engines; others than torch run on the CPU  [default: that of a deployed "
        "network, else torch]",
        show_default=False,
    ),
]
DeviceName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Device: cpu, cuda, cuda:1 or mps  [default: a GPU, else the CPU]", show_default=False
    ),
]
AxesName = Annotated[
    str | None,
    typer.Option(
        metavar="AXES",
        help="Axes of volumes along which slices are predicted: z, y, x, several such as z,x, or all: the mean of "
        "their probabilities  [default: that of the training]",
        show_default=False,
    ),
]
