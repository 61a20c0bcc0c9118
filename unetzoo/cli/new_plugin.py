"""`unetzoo new-plugin`: a distribution that works as it stands, to be changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.output import show

if TYPE_CHECKING:
    from unetzoo.testing.scaffold.write import PartKind


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="such as unetzoo-cells", show_default=False)],
    encoder: Annotated[bool, typer.Option("--encoder", help="provide an encoder")] = False,
    decoder: Annotated[bool, typer.Option("--decoder", help="provide a decoder")] = False,
    loss: Annotated[bool, typer.Option("--loss", help="provide a loss")] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", "--folder", metavar="FOLDER", help="in which it is made")
    ] = Path(),
) -> None:
    """Write a plugin that installs, registers and keeps the contracts as it stands."""
    from unetzoo.testing.scaffold.write import write_plugin

    asked: dict[PartKind, bool] = {"encoder": encoder, "decoder": decoder, "loss": loss}
    target = write_plugin(name, [kind for kind, wanted in asked.items() if wanted], out)
    show(
        f"{target} is a plugin. Install it and check it:",
        "",
        f"    pip install -e {target}",
        f"    unetzoo plugins check {name}",
    )
