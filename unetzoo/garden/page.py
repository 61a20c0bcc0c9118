"""Write the recipes as one page, with filters, that needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unetzoo._utils.atomic import write_text
from unetzoo._utils.pages.render import render
from unetzoo.garden.cards import Card

_OTHER = "other"
_FILTERS = ("domain", "result", "images", "license")


@dataclass(frozen=True)
class _Shown:
    """A card as the page shows it.

    Attributes:
        card: the recipe.
        values: by name of a filter, what it is chosen by.
        words: the command that trains by it.
    """

    card: Card
    values: Mapping[str, list[str]]
    words: Sequence[str]


def write_garden(path: Path, recipes: Sequence[Card]) -> None:
    """Write the page of recipes.

    Args:
        path: an .html file.
        recipes: in the order of the page.

    Raises:
        WriteError: the file cannot be written.
    """
    write_text(path, garden(recipes))


def garden(recipes: Sequence[Card]) -> str:
    """The page of recipes as HTML; see `write_garden`."""
    shown = [_shown(card) for card in recipes]
    choices = {
        name: sorted(
            {value for each in shown for value in each.values[name]}, key=lambda value: (value == _OTHER, value)
        )
        for name in _FILTERS
    }
    return render("unetzoo.garden", recipes=shown, choices=choices)


def _shown(card: Card) -> _Shown:
    values = {
        "domain": [card.domain or _OTHER],
        "result": [card.result],
        "images": ["volumes (3D)" if card.is_of_volumes else "images (2D)"],
        "license": sorted({license_.lower() for license_ in card.licenses.values()}),  # SPDX's have no case
    }
    return _Shown(card, values, ["unetzoo", "train", "data/", "--recipe", card.name, "--out", "run"])
