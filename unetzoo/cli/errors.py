"""Errors and warnings of the command line: one line each, without a traceback for a user's mistake."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.output import say
from unetzoo.errors import DataWarning, PluginWarning, TrainingWarning, WeightsWarning

USAGE_EXIT = 2
"""A usage error, or unusable data."""
SOME_FAILED_EXIT = 3
"""Some of several images or runs failed."""
ALL_FAILED_EXIT = 4
"""All of several images or runs failed."""
MOST_SHOWN = 3  # warnings about images
UsageError: Any = typer.BadParameter.__base__  # click's, or that of typer's own copy of click in newer versions


@contextmanager
def leave_pipe_quietly() -> Iterator[None]:
    """Flush standard output at the end; a reader that is gone, such as `head`, is not an error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be bytes that are not text
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:  # Python flushes the rest of the buffer when it closes the file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def one_line_usage() -> Iterator[None]:
    """Print a usage error as one line and exit with code 2."""
    try:
        yield
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "unetzoo"
        message = error.format_message().replace(": Value error, ", ": ").rstrip(".")  # typer's words for a choice
        say("error:", "red", f"{message} ('{command} --help' explains)")
        raise typer.Exit(USAGE_EXIT) from error


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print a warning of unetzoo as one line, about images only the first ones; Python shows all other warnings."""
    images = 0
    with warnings.catch_warnings():
        show_as_python = warnings.showwarning

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
            if not issubclass(category, DataWarning | PluginWarning | TrainingWarning | WeightsWarning):
                show_as_python(message, category, filename, lineno, file, line)
            elif images <= MOST_SHOWN or not issubclass(category, DataWarning):
                say("warning:", "yellow", str(message))

        warnings.showwarning = show
        try:
            yield
        finally:
            say_more(images - MOST_SHOWN)


def say_more(hidden: int) -> None:
    """Say how many warnings about images, if any, were not shown."""
    if hidden > 0:
        say("warning:", "yellow", f"not shown: {count_of(hidden, 'more warning')} about images")


def exit_for(failed: int, done: int) -> None:
    """Raise typer.Exit if some of several images or runs failed.

    Args:
        failed: number of failures.
        done: number of successes.
    """
    if failed:
        raise typer.Exit(SOME_FAILED_EXIT if done else ALL_FAILED_EXIT)
