"""What the command line says when something is wrong: one line, and no traceback for a user's mistake."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from unetzoo.errors import PluginWarning, UnetzooError

USAGE_EXIT = 2
_UsageError: Any = typer.BadParameter.__base__  # click's, or that of typer's own copy of click in newer versions


class Commands(TyperGroup):
    """The commands; a wrong use or an `UnetzooError` is one line on standard error and exit code 2.

    A `PluginWarning` is one line too. With `--debug` both are shown as Python does; so is, always, any other exception:
    it is a bug.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        """Read the options of all commands."""
        with _one_line_usage():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        """Run the command that was asked for."""
        if ctx.params["debug"]:
            return super().invoke(ctx)
        try:
            with _one_line_usage(), _one_line_warnings():
                return super().invoke(ctx)
        except UnetzooError as error:
            _say("error:", "red", str(error))
            raise typer.Exit(USAGE_EXIT) from error


@contextmanager
def leave_pipe_quietly() -> Iterator[None]:
    """Write out standard output at the end; a reader that has gone, such as `head`, is no error."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:  # what is left in the buffer must go somewhere when Python closes it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _one_line_usage() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "unetzoo"
        _say("error:", "red", f"{error.format_message().rstrip('.')} ('{command} --help' explains)")
        raise typer.Exit(USAGE_EXIT) from error


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        as_python_does = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, PluginWarning):
                _say("warning:", "yellow", str(message))
            else:
                as_python_does(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _say(label: str, color: str, text: str) -> None:
    typer.echo(f"{typer.style(label, fg=color, bold=True)} {' '.join(text.split())}", err=True)
