"""`unetzoo recipes`: trainings that suit a kind of images, with what they gave where they were measured."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import new_table, show_result

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.garden.cards import Card

_WIDEST = 120  # columns in a pipe


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print the file of this recipe", show_default=False)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page of the recipes, to choose one by", show_default=False),
    ] = None,
    json: Json = None,
) -> None:
    """List recipes: networks and options for a kind of images, with the scores that were measured.

    Train by one with `unetzoo train DATA --recipe NAME --out run`; the scores are those of its own data, which its file
    names, and say little about yours. The page of --html is one file that needs no internet connection.

    Example: unetzoo recipes --html recipes.html
    """
    from unetzoo.catalog import list_recipes
    from unetzoo.garden.cards import cards
    from unetzoo.garden.page import write_garden
    from unetzoo.training.recipe_file import recipe_path

    if json is None and html is None and name is not None:
        typer.echo(recipe_path(name).read_text(encoding="utf-8"), nl=False)
        return
    listed = cards(list_recipes() if name is None else [name])
    if html is not None:
        write_garden(html, listed)
    text = _table(listed) if html is None else str(html)
    show_result([_as_dict(each) for each in listed], json, text, widest=_WIDEST)


def _as_dict(card: "Card") -> dict[str, Any]:
    return {
        "name": card.name,
        "summary": card.summary,
        "domain": card.domain,
        "provider": card.provider,
        "recipe": card.recipe.to_dict(),
        "receipt": asdict(card.receipt) if card.receipt else None,
        "licenses": card.licenses,
    }


def _table(listed: "list[Card]") -> "Table":
    table = new_table("recipe", "for", "network", "measured", numbers=["CPU s"])
    for card in listed:
        measured = (card.receipt.text, f"{card.receipt.cpu_seconds:.0f}") if card.receipt else ("", "")
        table.add_row(card.name, card.summary, card.network, *measured)
    return table
