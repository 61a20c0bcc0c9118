"""`unetzoo push`, `unetzoo pull`, `unetzoo search`: networks on the Hugging Face Hub."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.models import network_facts, network_line
from unetzoo.cli.output import new_table, show, show_result


def push_folder(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of a saved network or of a run", show_default=False)
    ],
    name: Annotated[str, typer.Argument(metavar="USER/NAME", help="Repository on the Hub", show_default=False)],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private")] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="Branch, created if needed  [default: the main branch]")
    ] = None,
    message: Annotated[str | None, typer.Option(metavar="TEXT", help="Message of the commit")] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Picture of a prediction for the model card")
    ] = None,
    pull_request: Annotated[bool, typer.Option("--pr", help="Open a pull request instead of committing")] = False,
) -> None:
    """Upload a saved network to the Hugging Face Hub.

    It needs a token: `hf auth login`, or the environment variable HF_TOKEN.

    Example: unetzoo push run/best user/cells --private
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
    name: Annotated[str, typer.Argument(metavar="USER/NAME", help="Repository on the Hub", show_default=False)],
    revision: Annotated[str | None, typer.Option(metavar="NAME", help="Branch, tag or commit")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Also save the network in this folder")] = None,
    json: Json = None,
) -> None:
    """Download a network from the Hugging Face Hub, check it and describe it.

    Example: unetzoo pull user/cells --out cells
    """
    from unetzoo.weights.folder import save
    from unetzoo.weights.hub import pull

    model = pull(name, revision=revision)
    facts, source = network_facts(model), model.config.info.source
    line = f"{source}: {network_line(model)}, {facts['parameters']:,} parameters"
    folder = None if out is None else save(model, out)
    value = {"source": source, **facts, "folder": folder and str(folder)}
    show_result(value, json, line, *(() if folder is None else (f"saved in {folder}",)))


def search_hub(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of the name", show_default=False)] = "",
    limit: Annotated[int, typer.Option(metavar="N", help="Largest number of results")] = 20,
    json: Json = None,
) -> None:
    """List networks on the Hugging Face Hub that unetzoo saved.

    Example: unetzoo search cells --limit 5
    """
    from unetzoo.weights.hub import search

    results = search(text, limit=limit)
    table = new_table("name", "tags", numbers=("downloads", "likes"))
    for result in results:
        table.add_row(
            result.name,
            ", ".join(tag for tag in result.tags if ":" not in tag),
            f"{result.downloads:,}",
            f"{result.likes:,}",
        )
    show_result([asdict(result) for result in results], json, table if results else "nothing found")
