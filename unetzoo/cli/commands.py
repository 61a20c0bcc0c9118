"""The group of all commands: those of unetzoo and those of plugins."""

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from unetzoo._utils.texts import printable
from unetzoo.cli.errors import USAGE_EXIT, one_line_usage, one_line_warnings
from unetzoo.cli.output import say
from unetzoo.errors import PluginError, UnetzooError, describe_error
from unetzoo.registry.builtin import COMMANDS

if TYPE_CHECKING:
    from unetzoo.specs import CommandSpec


_SYSTEM_ERRORS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


class Commands(TyperGroup):
    """The commands; a usage error or an `UnetzooError` prints one line on standard error and exits with code 2.

    A file or folder that cannot be read or written does the same. A `PluginWarning` prints one line. With `--debug`
    Python shows errors and warnings; it always shows any other exception, which is a bug.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        """Read the options of all commands."""
        with one_line_usage(), one_line_warnings():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        """Run the command."""
        if ctx.params["debug"]:
            return super().invoke(ctx)
        try:
            with one_line_usage(), one_line_warnings():
                return super().invoke(ctx)
        except UnetzooError as error:
            say("error:", "red", str(error))
            raise typer.Exit(USAGE_EXIT) from error
        except OSError as error:
            if error.filename is None or error.errno not in _SYSTEM_ERRORS:
                raise
            say("error:", "red", f"{error.filename}: {error.strerror}")
            raise typer.Exit(USAGE_EXIT) from error

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - as above
        """The commands of unetzoo in the order of their table, then those of plugins."""
        return [*COMMANDS, *_plugin_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - as above
        """The command of that name; for a plugin's, only what `--help` shows, without importing it."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _plugin_commands():
            return own
        return _as_command(cmd_name, _find(cmd_name).summary, lambda: None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """The command that the arguments name, and its own arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and super().get_command(ctx, name) is None:
            command = _plugin_command(name)
        return name, command, rest


def _plugin_commands() -> list[str]:
    from unetzoo.registry.host import host

    return host().registries["command"].names()


def _find(name: str) -> "CommandSpec":
    from unetzoo.registry.host import host

    spec: CommandSpec = host().registries["command"].find(name).spec
    return spec


def _plugin_command(name: str) -> Any:  # noqa: ANN401 - as in `Commands`
    from unetzoo.specs import Lazy

    spec = _find(name)
    function = spec.build.resolve() if isinstance(spec.build, Lazy) else spec.build
    try:
        return _as_command(name, spec.summary, function)
    except Exception as error:  # typer raises several types for a signature that it cannot read
        raise PluginError(f"command {name!r} of a plugin cannot be used: {describe_error(error)}") from error


def _as_command(name: str, summary: str, function: Callable[..., Any]) -> Any:  # noqa: ANN401 - as in `Commands`
    application = typer.Typer(add_completion=False, rich_markup_mode=None)
    application.command(name, help=printable(summary) or None)(function)
    return typer.main.get_command(application)
