"""Progress on standard error: bars in a terminal, removed at the end; elsewhere a line a minute."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unetzoo.cli.output import is_quiet

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextmanager
def counting(label: str) -> Iterator[Callable[[int], None]]:
    """A bar that counts; yields a function to call after each item, with the number of all items."""
    with progress() as bar:
        task = bar.add_task(label, total=None)
        yield lambda total: bar.update(task, advance=1, total=total)


def progress(*columns: "str | ProgressColumn") -> "Progress":
    """A progress display with a bar, the count and the time that remains.

    Args:
        columns: more columns, after the count, of a terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from unetzoo.cli.progress_lines import ProgressLines

    console = Console(stderr=True)
    if is_quiet() or not is_first_process():
        return Progress(console=console, disable=True)
    if not console.is_terminal:
        return ProgressLines()
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def is_first_process() -> bool:
    """Whether this is the only process, or the first of several that train together; only this one prints."""
    return os.environ.get("RANK", "0") == "0"
