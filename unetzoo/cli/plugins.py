"""`unetzoo plugins`: list plugins with their parts and problems, and check whether a plugin keeps the contracts."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.output import new_table, show_result
from unetzoo.errors import PluginWarning
from unetzoo.registry.registry import SPECS

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.registry.host import PluginInfo

_STYLES = {"active": "green", "blocked": "yellow", "broken": "red"}
_BROKEN_EXIT = 1
_WIDEST = 100  # columns of the table in a pipe
_KINDS = (*SPECS, "encoders")  # a family of encoders is `encoders timm:*`

plugins = typer.Typer(invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@plugins.callback()
def list_all(
    context: typer.Context,
    json: Json = None,
    timings: Annotated[bool, typer.Option("--timings", help="Show how long each plugin took to load")] = False,
) -> None:
    """List the installed plugins and what they provide.

    A plugin is active, blocked (by UNETZOO_BLOCK or UNETZOO_PLUGINS) or broken. Conflicts are names that another plugin
    also provides. UNETZOO_TRACE=1 shows each step of loading.
    """
    if context.invoked_subcommand is not None:
        return
    infos = _plugins()
    columns = [
        column
        for column in ("parts", "conflicts", "problems", "remarks")
        if any(getattr(info, column) for info in infos)
    ]
    plain = [dataclasses.asdict(info) for info in infos]
    show_result(plain, json, _table(infos, columns, timings=timings), widest=_WIDEST)


@plugins.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the plugin's distribution", show_default=False)],
    json: Json = None,
) -> None:
    """Check that each part of a plugin keeps the contracts.

    The exit code is 1 if a rule is broken.
    """
    from rich.text import Text

    from unetzoo.registry.host import plugins_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # a rule says the same
        plugins_of(name)  # an unknown name is refused before torch is imported
        from unetzoo.testing import check_plugin

        report = check_plugin(name)
    table = new_table("part", "rule", "result")
    for result in report.results:
        verdict = Text("holds", "green") if result.holds else Text(result.problem, "red")
        table.add_row(result.part, result.rule, verdict)
    broken = sum(not result.holds for result in report.results)
    count = f"{count_of(len(report.results), 'rule')}, {broken or 'none'} broken"
    show_result([dataclasses.asdict(result) for result in report.results], json, table, "", count)
    if not report.holds:
        raise typer.Exit(_BROKEN_EXIT)


def _plugins() -> "list[PluginInfo]":
    from unetzoo.registry.host import list_plugins

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the table says the same
        return list_plugins()


def _table(infos: "Sequence[PluginInfo]", columns: Sequence[str], *, timings: bool) -> "Table":
    from rich.text import Text

    table = new_table("plugin", "status", *columns, numbers=["ms"] if timings else [])
    for info in infos:
        milliseconds = [f"{info.seconds * 1e3:,.1f}"] if timings else []
        cells = [_cell(getattr(info, column)) for column in columns]
        table.add_row(info.name, Text(info.status, _STYLES[info.status]), *cells, *milliseconds)
    return table


def _cell(entries: Sequence[str]) -> str:
    """Parts by kind, such as `"encoder plain, u2net"`, one kind per line; other entries one per line."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        kind, _, name = entry.partition(" ")
        names.setdefault(kind if kind in _KINDS else entry, []).append(name)
    return "\n".join(f"{kind} {', '.join(group)}" if kind in _KINDS else kind for kind, group in names.items())
