"""`unetzoo new-plugin`: write the skeleton of a plugin, which works without changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.output import show

if TYPE_CHECKING:
    from unetzoo.testing.scaffold.write import PartKind


def new_plugin(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the plugin, such as unetzoo-cells", show_default=False)
    ],
    encoder: Annotated[bool, typer.Option("--encoder", help="Provide an encoder")] = False,
    decoder: Annotated[bool, typer.Option("--decoder", help="Provide a decoder")] = False,
    loss: Annotated[bool, typer.Option("--loss", help="Provide a loss")] = False,
    objects: Annotated[bool, typer.Option("--object", "--objects", help="Provide a coding of objects")] = False,
    format_: Annotated[bool, typer.Option("--format", help="Provide a format of image files")] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", "--folder", metavar="FOLDER", help="Parent folder of the plugin")
    ] = Path(),
) -> None:
    """Write a new plugin, which can be installed and keeps the contracts without changes.

    Example: unetzoo new-plugin unetzoo-cells --decoder --loss
    """
    from unetzoo.testing.scaffold.write import write_plugin

    flags: dict[PartKind, bool] = {
        "encoder": encoder,
        "decoder": decoder,
        "loss": loss,
        "object": objects,
        "format": format_,
    }
    target = write_plugin(name, [kind for kind, is_set in flags.items() if is_set], out)
    show(
        f"Wrote the plugin {target}. Install and check it:",
        "",
        f"    pip install -e {target}",
        f"    unetzoo plugins check {name}",
    )
