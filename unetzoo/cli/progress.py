"""Progress bars: on standard error, only if that is a terminal, and gone at the end."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unetzoo.cli.output import is_quiet

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextmanager
def counting(label: str) -> Iterator[Callable[[int], None]]:
    """A bar of things to do; gives what to call after each, with the number of all."""
    with progress() as bar:
        task = bar.add_task(label, total=None)
        yield lambda total: bar.update(task, advance=1, total=total)


def progress(*columns: "str | ProgressColumn") -> "Progress":
    """A progress display with a bar, the count and the time that remains.

    Args:
        columns: further ones, behind the count.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=is_quiet() or not console.is_terminal or not is_first_process(),
    )


def is_first_process() -> bool:
    """Whether this is the one process, or the first of several that train together, which tells what all do."""
    return os.environ.get("RANK", "0") == "0"
