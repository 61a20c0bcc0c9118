"""`unetzoo list`: the names of the parts of a kind."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.kinds import kind_of
from unetzoo.cli.output import write_json
from unetzoo.errors import UnknownNameError, did_you_mean

_GAP = 2


def list_parts(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="encoders, decoders, losses, datasets", show_default=False)
    ],
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="such as 'convnext*'", show_default=False)] = "*",
    json: Json = None,
) -> None:
    """List encoders, decoders, losses or data sets by name.

    In a terminal they stand in columns; a pipe or a file gets one a line.
    """
    from unetzoo.assembly import list_datasets, list_decoders, list_encoders, list_losses

    known = kind_of(kind)
    lists = {"encoder": list_encoders, "decoder": list_decoders, "loss": list_losses, "dataset": list_datasets}
    list_names = lists[known]
    names = list_names(pattern)
    if not names:
        raise UnknownNameError(_nothing_matches(known, pattern, list_names()))
    if json:
        write_json(names, json)
        return
    typer.echo(_in_columns(names, get_terminal_size().columns) if sys.stdout.isatty() else "\n".join(names))


def _nothing_matches(kind: str, pattern: str, names: Sequence[str]) -> str:
    families = sorted({f"{name.partition('_')[0]}*" for name in names})
    hint = did_you_mean(pattern, [*families, *names])
    return f"no {kind} matches {pattern!r}; {hint or f'there are {len(names):,} without a pattern'}"


def _in_columns(names: Sequence[str], width: int) -> str:
    """The names in as many columns of one width as fit, read downwards."""
    cell = max(map(len, names)) + _GAP
    columns = max(1, (width + _GAP) // cell)
    rows = -(-len(names) // columns)
    return "\n".join("".join(name.ljust(cell) for name in names[row::rows]).rstrip() for row in range(rows))
