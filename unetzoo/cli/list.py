"""`unetzoo list`: the names of the parts of a kind."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.kinds import kind_of
from unetzoo.cli.output import PRINT, show_result
from unetzoo.errors import UnknownNameError, did_you_mean
from unetzoo.specs import noun

_GAP = 2


def list_parts(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="Kind of parts: encoders, decoders, losses, objects, datasets, formats or engines",
            show_default=False,
        ),
    ],
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="Pattern of names, such as 'convnext*'", show_default=False)
    ] = "*",
    json: Json = None,
) -> None:
    """List the names of encoders, decoders, losses, codings of objects, data sets, formats of images or engines.

    A terminal shows them in columns, a pipe or a file gets one per line.

    Example: unetzoo list encoders 'convnext*'
    """
    from unetzoo.registry.host import host

    part_kind = kind_of(kind)
    registry = host().registries[part_kind]
    names = registry.names(pattern)
    if not names:
        raise UnknownNameError(_nothing_matches(part_kind, pattern, registry.names()))
    show_result(names, json)
    if json != PRINT:
        typer.echo(_in_columns(names, get_terminal_size().columns) if sys.stdout.isatty() else "\n".join(names))


def _nothing_matches(kind: str, pattern: str, names: Sequence[str]) -> str:
    families = sorted({f"{name.partition('_')[0]}*" for name in names})
    hint = did_you_mean(pattern, [*families, *names])
    return f"no {noun(kind)} matches {pattern!r}; {hint or f'without a pattern there are {len(names):,}'}"


def _in_columns(names: Sequence[str], width: int) -> str:
    """The names in as many columns of equal width as fit, ordered down each column."""
    cell = max(map(len, names)) + _GAP
    columns = max(1, (width + _GAP) // cell)
    rows = -(-len(names) // columns)
    return "\n".join("".join(name.ljust(cell) for name in names[row::rows]).rstrip() for row in range(rows))
