"""`unetzoo recipes`: trainings that suit a kind of images, with what they gave where they were measured."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import new_table, show_result

if TYPE_CHECKING:
    from rich.table import Table

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
    from unetzoo.catalog import list_recipes
    from unetzoo.training.recipe_file import recipe_path

    if json is None and name is not None:
        typer.echo(recipe_path(name).read_text(encoding="utf-8"), nl=False)
        return
    names = list_recipes() if name is None else [name]
    show_result([_as_dict(each) for each in names], json, _table(names), widest=_WIDEST)


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


def _table(names: list[str]) -> "Table":
    from unetzoo.training.receipt import read_receipt
    from unetzoo.training.recipe import Recipe

    table = new_table("recipe", "for", "network", "measured", numbers=["CPU s"])
    for name in names:
        receipt = read_receipt(name)
        measured = (receipt.text, f"{receipt.cpu_seconds:.0f}") if receipt else ("", "")
        table.add_row(name, _origin(name)[0], _network(Recipe.load(name)), *measured)
    return table


def _network(recipe: "Recipe") -> str:
    network = recipe.network
    objects = f", objects {network.objects}" if network.objects else ""
    return f"{network.decoder} over {network.encoder}{objects}"


def _origin(name: str) -> tuple[str, str]:
    """Summary and provider."""
    from unetzoo.registry.host import host

    entry = host().registries["recipe"].find(name)
    return entry.spec.summary, str(entry.provider)
