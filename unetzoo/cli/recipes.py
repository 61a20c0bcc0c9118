"""`unetzoo recipes`: trainings that suit a kind of images, with what they gave where they were measured."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import check_json, new_table, show, write_json

if TYPE_CHECKING:
    from unetzoo.training.recipe import Recipe

_WIDEST = 120  # columns in a pipe


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print the file of this recipe", show_default=False)
    ] = None,
    json: Json = None,
) -> None:
    """List recipes: networks and options for a kind of images, with the scores that were measured.

    Train by one with `unetzoo train DATA --recipe NAME --out run`; the scores are those of its own data, which its file
    names, and say little about yours.

    Example: unetzoo recipes cells
    """
    check_json(json)
    if json:
        write_json([_as_dict(each) for each in _names(name)], json)
    elif name is None:
        _show_table(_names(None))
    else:
        from unetzoo.training.recipe_file import recipe_path

        typer.echo(recipe_path(name).read_text(encoding="utf-8"), nl=False)


def _names(name: str | None) -> list[str]:
    from unetzoo.catalog import list_recipes

    return list_recipes() if name is None else [name]


def _as_dict(name: str) -> dict[str, Any]:
    from unetzoo.training.receipt import read_receipt
    from unetzoo.training.recipe import Recipe

    receipt = read_receipt(name)
    summary, provider = _origin(name)
    tables = Recipe.load(name).to_dict()
    return {
        "name": name,
        "summary": summary,
        "provider": provider,
        "recipe": tables,
        "receipt": asdict(receipt) if receipt else None,
    }


def _show_table(names: list[str]) -> None:
    from unetzoo.training.receipt import read_receipt
    from unetzoo.training.recipe import Recipe

    table = new_table("recipe", "for", "network", "measured", numbers=["CPU s"])
    for name in names:
        receipt = read_receipt(name)
        measured = (receipt.text, f"{receipt.cpu_seconds:.0f}") if receipt else ("", "")
        table.add_row(name, _origin(name)[0], _network(Recipe.load(name)), *measured)
    show(table, widest=_WIDEST)


def _network(recipe: "Recipe") -> str:
    network = recipe.network
    objects = f", objects {network.objects}" if network.objects else ""
    return f"{network.decoder} over {network.encoder}{objects}"


def _origin(name: str) -> tuple[str, str]:
    """Summary and provider."""
    from unetzoo.registry.host import host

    entry = host().registries["recipe"].find(name)
    return entry.spec.summary, str(entry.provider)
