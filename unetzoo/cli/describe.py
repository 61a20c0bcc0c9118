"""`unetzoo describe`: the options, paper, provider and weights of one part."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.kinds import kind_of
from unetzoo.cli.output import new_table, show_result

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.catalog import Description
    from unetzoo.options import Option

_ARXIV = re.compile(r"arxiv:\s*(\d{4}\.\d{4,5})", re.IGNORECASE)
_MODULES = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])")
_LITERAL = re.compile(r"Literal\[([^\]]*)\]")


def describe_part(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="Kind of part: encoder, decoder, loss, object, dataset, format or engine",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name from `unetzoo list`", show_default=False)],
    json: Json = None,
) -> None:
    """Describe a part: its options, paper, provider and weights.

    Example: unetzoo describe decoder unet
    """
    from rich.table import Table

    from unetzoo.catalog import describe

    description = describe(kind_of(kind), name)
    facts = Table.grid(padding=(0, 2))
    for label, value in _facts(description):
        facts.add_row(label, value)
    has_none = () if description.kind in ("format", "engine") else ("", "It has no options.")
    options = ("", _options(description.options)) if description.options else has_none
    show_result(_as_dict(description), json, facts, *options)


def _as_dict(description: "Description") -> dict[str, object]:
    """Plain data; a default that is not JSON is replaced by its repr."""
    described = asdict(description)
    for option in described["options"]:
        if not isinstance(option["default"], str | int | float | bool | None):
            option["default"] = repr(option["default"])
    return described


def _facts(description: "Description") -> Iterator[tuple[str, str]]:
    yield description.kind, description.name
    facts = {
        "summary": description.summary,
        "when": description.when,
        "works on": "images and volumes" if 3 in description.spatial_dims else "",
        "paper": _ARXIV.sub(r"https://arxiv.org/abs/\1", description.paper),
        "provider": description.provider,
        "license": description.license,
        "pretrained": ", ".join(description.pretrained),
        "reads": ", ".join(description.reads),
        "writes": ", ".join(description.writes),
        "arithmetic": ", ".join(description.dtypes),
    }
    yield from ((label, value) for label, value in facts.items() if value)


def _options(options: "tuple[Option, ...]") -> "Table":
    table = new_table("option", "default", "type")
    for option in options:
        table.add_row(
            option.name, "(required)" if option.required else repr(option.default), _readable(option.annotation)
        )
    return table


def _readable(annotation: str) -> str:
    """A type for reading: without modules, the choices of a Literal separated by bars."""
    bare = _MODULES.sub("", annotation)
    return _LITERAL.sub(lambda choices: " | ".join(choices[1].split(", ")), bare)
