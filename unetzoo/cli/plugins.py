"""`unetzoo plugins`: who provides the parts, and what went wrong."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unetzoo.cli.output import new_table, show
from unetzoo.errors import PluginWarning

if TYPE_CHECKING:
    from unetzoo.plugins import PluginInfo

_STYLES = {"active": "green", "blocked": "yellow", "broken": "red"}


def plugins() -> None:
    """List the installed plugins and what they provide.

    A plugin is active, blocked (by UNETZOO_BLOCK or UNETZOO_PLUGINS) or broken. Conflicts are names that another one
    offers too.
    """
    from rich.text import Text

    from unetzoo.plugins import list_plugins

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the table says the same
        found = list_plugins()
    columns = [column for column in ("parts", "conflicts", "problems") if any(getattr(info, column) for info in found)]
    table = new_table("plugin", "status", *columns)
    for info in found:
        table.add_row(info.name, Text(info.status, _STYLES[info.status]), *_cells(info, columns))
    show(table)


def _cells(info: "PluginInfo", columns: Sequence[str]) -> list[str]:
    return [", ".join(getattr(info, column)) for column in columns]
