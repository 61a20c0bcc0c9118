"""The command line, one file per command, which is imported when it is called."""

from typing import Annotated

import typer

from unetzoo.cli.commands import Commands
from unetzoo.cli.errors import USAGE_EXIT, leave_pipe_quietly

_EPILOG = (
    "Exit codes: 0, done; 1, a check found a problem; 2, usage error or unusable data; 3, some images or "
    "runs failed; 4, all failed; 128 + N, stopped by signal N."
)
app = typer.Typer(
    name="unetzoo",
    cls=Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    rich_markup_mode=None,  # its boxes triple the time that --help takes
    pretty_exceptions_enable=False,
)


def _print_version(is_set: bool) -> None:
    if is_set:
        from importlib.metadata import version

        typer.echo(f"unetzoo {version('unetzoo')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001 - `Commands` reads it
    version: Annotated[  # noqa: ARG001 - its callback reads it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Segmentation networks from any backbone, any U-Net-like decoder and any loss, by name."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE_EXIT)


def main() -> None:
    """Run the command that the process was started with."""
    with leave_pipe_quietly():
        app(prog_name="unetzoo")
