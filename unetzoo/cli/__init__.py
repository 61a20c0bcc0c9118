"""The command line, one file a command. Importing it loads neither torch nor timm: each command does when it must."""

from typing import Annotated

import typer

from unetzoo.cli.bench import bench
from unetzoo.cli.commands import Commands
from unetzoo.cli.data import data
from unetzoo.cli.demo import demo
from unetzoo.cli.describe import describe_part
from unetzoo.cli.errors import USAGE_EXIT, leave_pipe_quietly
from unetzoo.cli.evaluate import evaluate
from unetzoo.cli.grid import grid, report
from unetzoo.cli.hub import pull_model, push_folder, search_hub
from unetzoo.cli.info import info
from unetzoo.cli.list import list_parts
from unetzoo.cli.new_plugin import new_plugin
from unetzoo.cli.plugins import plugins
from unetzoo.cli.predict import predict
from unetzoo.cli.train import train

app = typer.Typer(
    name="unetzoo",
    cls=Commands,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,  # its boxes triple the time that --help takes
    pretty_exceptions_enable=False,
)
app.command("list")(list_parts)
app.command("describe")(describe_part)
app.command("info")(info)
app.add_typer(plugins, name="plugins")
app.command("new-plugin")(new_plugin)
app.command("demo")(demo)
app.add_typer(data, name="data")
app.command("train")(train)
app.command("evaluate")(evaluate)
app.command("predict")(predict)
bench.command("grid")(grid)
bench.command("report")(report)
app.add_typer(bench, name="bench")
app.command("push")(push_folder)
app.command("pull")(pull_model)
app.command("search")(search_hub)


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
