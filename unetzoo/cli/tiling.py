"""How a network goes over images of any size: options that `unetzoo predict` and `unetzoo evaluate` share."""

from typing import Annotated

import typer

Tile = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="about PIXELS x PIXELS are seen at once  [default: 2048; 1280 of an image of over 134 million pixels]",
        show_default=False,
    ),
]
Overlap = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS", help="of neighbouring tiles  [default: 128, or a quarter of --tile]", show_default=False
    ),
]
Flips = Annotated[bool, typer.Option("--flips", help="average over mirror images; four times the work")]
Thresholds = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="NUMBER",
        help="a class takes the pixels where its probability is above, such as 0.3 or cell=0.3,border=0.6  [default: "
        "the most probable class]",
        show_default=False,
    ),
]
DeviceName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="cpu, cuda, cuda:1, mps  [default: a GPU, else the CPU]", show_default=False),
]
