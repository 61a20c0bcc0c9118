"""`unetzoo plugins`: who provides the parts, what went wrong, and whether a plugin keeps the contracts."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.output import check_json, new_table, show, write_json
from unetzoo.errors import PluginWarning

if TYPE_CHECKING:
    from unetzoo.registry.host import PluginInfo

_STYLES = {"active": "green", "blocked": "yellow", "broken": "red"}
_BROKEN_EXIT = 1

plugins = typer.Typer(invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@plugins.callback()
def list_all(
    context: typer.Context,
    json: Json = None,
    timings: Annotated[bool, typer.Option("--timings", help="how long each took to load")] = False,
) -> None:
    """List the installed plugins and what they provide.

    A plugin is active, blocked (by UNETZOO_BLOCK or UNETZOO_PLUGINS) or broken. Conflicts are names that another one
    offers too. UNETZOO_TRACE=1 shows each step of loading.
    """
    if context.invoked_subcommand is not None:
        return
    check_json(json)
    found = _found()
    if json:
        write_json([dataclasses.asdict(info) for info in found], json)
        return
    columns = [
        column
        for column in ("parts", "conflicts", "problems", "remarks")
        if any(getattr(info, column) for info in found)
    ]
    _show_table(found, columns, timings=timings)


@plugins.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="of its distribution", show_default=False)],
    json: Json = None,
) -> None:
    """Check that each part of a plugin keeps the contracts; exit code 1 when one does not."""
    from rich.text import Text

    from unetzoo.testing import check_plugin

    check_json(json)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # a rule says the same
        report = check_plugin(name)
    if json:
        write_json([dataclasses.asdict(result) for result in report.results], json)
    else:
        table = new_table("part", "rule", "result")
        for result in report.results:
            told = Text("holds", "green") if result.holds else Text(result.problem, "red")
            table.add_row(result.part, result.rule, told)
        broken = sum(not result.holds for result in report.results)
        show(table, "", f"{len(report.results)} rules, {broken or 'none'} broken")
    if not report.holds:
        raise typer.Exit(_BROKEN_EXIT)


def _found() -> "list[PluginInfo]":
    from unetzoo.registry.host import list_plugins

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the table says the same
        return list_plugins()


def _show_table(found: "Sequence[PluginInfo]", columns: Sequence[str], *, timings: bool) -> None:
    from rich.text import Text

    table = new_table("plugin", "status", *columns, numbers=["ms"] if timings else [])
    for info in found:
        milliseconds = [f"{info.seconds * 1e3:,.1f}"] if timings else []
        cells = [", ".join(getattr(info, column)) for column in columns]
        table.add_row(info.name, Text(info.status, _STYLES[info.status]), *cells, *milliseconds)
    show(table)
