"""What the command line says when something is wrong: one line, and no traceback for a user's mistake."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO

import typer

from unetzoo.cli.output import say
from unetzoo.errors import DataWarning, PluginWarning, WeightsWarning

USAGE_EXIT = 2
"""A wrong use, or data that cannot be used."""
SOME_FAILED_EXIT = 3
"""Of several images or runs, some failed."""
ALL_FAILED_EXIT = 4
"""Of several images or runs, all failed."""
MOST_SHOWN = 3  # warnings of images
_UsageError: Any = typer.BadParameter.__base__  # click's, or that of typer's own copy of click in newer versions


@contextmanager
def leave_pipe_quietly() -> Iterator[None]:
    """Write out standard output at the end; a reader that has gone, such as `head`, is no error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be bytes of no text
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:  # what is left in the buffer must go somewhere when Python closes it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def one_line_usage() -> Iterator[None]:
    """A wrong use of a command is one line, and exit code 2."""
    try:
        yield
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "unetzoo"
        say("error:", "red", f"{error.format_message().rstrip('.')} ('{command} --help' explains)")
        raise typer.Exit(USAGE_EXIT) from error


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """A warning of unetzoo is one line, and of images only the first are shown; others are as Python shows them."""
    images = 0
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
            nonlocal images
            images += issubclass(category, DataWarning)
            if not issubclass(category, DataWarning | PluginWarning | WeightsWarning):
                as_python_does(message, category, filename, lineno, file, line)
            elif images <= MOST_SHOWN or not issubclass(category, DataWarning):
                say("warning:", "yellow", str(message))

        warnings.showwarning = show
        try:
            yield
        finally:
            say_more(images)


def say_more(images: int) -> None:
    """Say how many images were warned of beside those that were shown."""
    if images > MOST_SHOWN:
        say("warning:", "yellow", f"{images - MOST_SHOWN:,} more are unlike those of the training")


def exit_for(failed: int, done: int) -> None:
    """Raise typer.Exit where some of several failed.

    Args:
        failed: how many did.
        done: how many did not.
    """
    if failed:
        raise typer.Exit(SOME_FAILED_EXIT if done else ALL_FAILED_EXIT)
