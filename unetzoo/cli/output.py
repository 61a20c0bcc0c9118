"""Output of commands: results go to standard output, warnings and errors to standard error, everything to the log.

Text and tables fit the terminal; a pipe or a file gets them uncut and without padding. JSON that is printed is alone on
standard output.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import typer

from unetzoo._utils.texts import printable
from unetzoo.cli.flags import in_flags
from unetzoo.errors import UnetzooError, WriteError

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable
    from typing import TextIO

    from rich.console import Console, RenderableType
    from rich.table import Table

PRINT = "-"
"""The file name for standard output."""

_NARROWEST, _UNLIMITED = 80, 100_000  # columns
_is_quiet = ContextVar("_is_quiet", default=False)
_prints_json = ContextVar("_prints_json", default=False)
_logs: list["logging.Logger"] = []  # that of the command, if it has one


@contextmanager
def reporting(*, quiet: bool, log: Path | None, json: str | None = None) -> Iterator[None]:
    """Silence standard output if `quiet`, leave it to JSON that is printed, and append the output to a log file.

    Raises:
        WriteError: the log cannot be written, or there is no place for the file of the JSON.
    """
    if json not in (None, PRINT):
        from unetzoo._utils.atomic import check_place

        check_place(Path(str(json)))
    tokens = [(_is_quiet, _is_quiet.set(quiet)), (_prints_json, _prints_json.set(json == PRINT))]
    try:
        with _logging_to(log) if log else nullcontext():
            yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    import logging

    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise WriteError(f"cannot write the log {path}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.Logger("unetzoo.cli", logging.INFO)  # without a parent: a program's own logging stays as it is
    log.addHandler(handler)
    _logs.append(log)
    try:
        yield
    except UnetzooError as error:
        log.info("error: %s", _one_line(str(error)))
        raise
    finally:
        _logs.remove(log)
        handler.close()


def is_quiet() -> bool:
    """Whether only warnings and errors are printed."""
    return _is_quiet.get()


def say(label: str, color: str, text: str) -> None:
    """Print one line on standard error, with a colored label, in the words of the command line."""
    line = _one_line(text)
    for log in _logs:
        log.info("%s %s", label, line)
    typer.echo(f"{typer.style(label, fg=color, bold=True)} {line}", err=True)


def _one_line(text: str) -> str:
    return printable(" ".join(in_flags(text).split()))


def show(*renderables: "RenderableType", widest: int = _UNLIMITED) -> None:
    """Print each on standard output, or on standard error beside printed JSON, unless the command is quiet.

    Args:
        renderables: texts and tables.
        widest: columns in a pipe or a file, after which a cell of a table goes on in the next line.
    """
    for log in _logs:
        for line in filter(None, _as_text(widest, *renderables).splitlines()):
            log.info("%s", line)
    if is_quiet():
        return
    stream = sys.stderr if _prints_json.get() else sys.stdout
    if stream.isatty():
        _console(max(_NARROWEST, get_terminal_size().columns), stream).print(*renderables, sep="\n")
    else:
        print(_as_text(widest, *renderables), file=stream, flush=True)


def show_result(value: object, target: str | None, *renderables: "RenderableType", widest: int = _UNLIMITED) -> None:
    """Print a result as text, unless it is printed as JSON, and write its JSON, if that is asked for.

    Args:
        value: what `json` takes, with the numbers of the text.
        target: of `--json`: path of the file, or `-` for standard output; None: no JSON.
        renderables: texts and tables.
        widest: as in `show`.

    Raises:
        WriteError: the file cannot be written.
    """
    if target != PRINT and renderables:
        show(*renderables, widest=widest)
    if target is None:
        return
    import json

    text = json.dumps(value, indent=2)
    if target == PRINT:
        typer.echo(text)
    else:
        from unetzoo._utils.atomic import write_text

        write_text(Path(target), f"{text}\n")


def new_table(*headers: str, numbers: Sequence[str] = ()) -> "Table":
    """A table with a line under its headers and no other.

    Args:
        headers: headers of the columns of text, which is wrapped where it does not fit.
        numbers: headers of the columns of numbers that follow, which are not wrapped.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), show_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for header in numbers:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def _as_text(width: int, *renderables: "RenderableType") -> str:
    console = _console(width)
    with console.capture() as captured:
        console.print(*renderables, sep="\n")
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _console(width: int, stream: "TextIO | None" = None) -> "Console":
    from rich.console import Console
    from rich.segment import Segment

    class Harmless(Console):
        """A console that prints control characters in texts as escapes."""

        def render(self, renderable: Any, options: Any = None) -> "Iterable[Segment]":  # noqa: ANN401 - as rich has it
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else printable(text, keep="\n"), style, control)

    return Harmless(file=stream, width=width, highlight=False, markup=False, emoji=False)
