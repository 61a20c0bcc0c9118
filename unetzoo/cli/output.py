"""Text and tables on standard output: fitted to a terminal, but neither cut nor padded for a pipe or a file."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_NARROWEST, _UNLIMITED = 80, 100_000


def show(*renderables: "RenderableType") -> None:
    """Print each on standard output."""
    if sys.stdout.isatty():
        _console(max(_NARROWEST, get_terminal_size().columns)).print(*renderables, sep="\n")
        return
    console = _console(_UNLIMITED)
    with console.capture() as captured:
        console.print(*renderables, sep="\n")
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))  # noqa: T201 - a command's result


def count_of(count: int, noun: str) -> str:
    """A number of things: `"1 run"`, `"1,200 runs"`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def new_table(*headers: str, numbers: Sequence[str] = ()) -> "Table":
    """A table with a line under its headers and no other.

    Args:
        headers: of columns of text, which goes on in the next line where it does not fit.
        numbers: headers of the columns of numbers that follow, which stay in one line.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), show_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for header in numbers:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def _console(width: int) -> "Console":
    from rich.console import Console

    return Console(width=width, highlight=False, markup=False, emoji=False)
