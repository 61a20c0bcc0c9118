"""The command line, one file a command. Importing it loads neither torch nor timm: each command does when it must."""

from typing import Annotated

import typer

from unetzoo.builtin import COMMANDS
from unetzoo.cli.commands import Commands
from unetzoo.cli.errors import USAGE_EXIT, leave_pipe_quietly

app = typer.Typer(
    name="unetzoo",
    cls=Commands,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,  # its boxes triple the time that --help takes
    pretty_exceptions_enable=False,
)
for _name, _target in COMMANDS.items():
    _command = _target.resolve()
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
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
