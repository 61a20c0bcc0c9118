"""`unetzoo push`, `unetzoo pull`, `unetzoo search`: networks on the Hugging Face Hub."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import new_table, show, write_json


def push_folder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="as unetzoo.save wrote it", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="USER/NAME", show_default=False)],
    private: Annotated[bool, typer.Option("--private", help="make a new repository private")] = False,
    revision: Annotated[str | None, typer.Option(metavar="BRANCH", help="default: the main one")] = None,
    message: Annotated[str | None, typer.Option(metavar="TEXT", help="of the commit")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="of a prediction, for the model card")] = None,
    pull_request: Annotated[bool, typer.Option("--pr", help="propose the commit rather than make it")] = False,
) -> None:
    """Upload a saved network to the Hugging Face Hub.

    It needs a token: `hf auth login`, or the environment variable HF_TOKEN.
    """
    from unetzoo.weights.hub import push

    address = push(
        folder,
        name,
        private=private or None,
        revision=revision,
        commit_message=message,
        create_pr=pull_request,
        picture=picture,
    )
    show(address)


def pull_model(
    name: Annotated[str, typer.Argument(metavar="USER/NAME", show_default=False)],
    revision: Annotated[str | None, typer.Option(metavar="NAME", help="a branch, a tag or a commit")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="also save it there")] = None,
) -> None:
    """Download a network from the Hugging Face Hub, check it, and say what it is."""
    from unetzoo.weights.folder import save
    from unetzoo.weights.hub import pull

    model = pull(name, revision=revision)
    config = model.config
    parameters = sum(parameter.numel() for parameter in model.parameters())
    show(
        f"{config.info.source}: {config.decoder} with {config.encoder}, "
        f"{config.in_channels} channels to {config.classes} classes, {parameters:,} parameters"
    )
    if out is not None:
        show(f"saved in {save(model, out)}")


def search_hub(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="part of a name", show_default=False)] = "",
    limit: Annotated[int, typer.Option(metavar="N", help="show at most that many")] = 20,
    json: Json = None,
) -> None:
    """List networks on the Hugging Face Hub that unetzoo made."""
    from unetzoo.weights.hub import search

    found = search(text, limit=limit)
    if json:
        write_json([asdict(one) for one in found], json)
        return
    if not found:
        show("nothing found")
        return
    table = new_table("name", "tags", numbers=("downloads", "likes"))
    for one in found:
        table.add_row(
            one.name, ", ".join(tag for tag in one.tags if ":" not in tag), f"{one.downloads:,}", f"{one.likes:,}"
        )
    show(table)
