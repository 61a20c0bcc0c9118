"""The group of all commands: those of unetzoo and those of plugins."""

import errno
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from unetzoo._utils.texts import printable
from unetzoo.cli.errors import USAGE_EXIT, one_line_usage, one_line_warnings
from unetzoo.cli.output import say
from unetzoo.errors import PluginError, UnetzooError, describe_error
from unetzoo.registry.builtin_commands import COMMANDS

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

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - as above
        """What `--help` shows of the command of that name, without importing it."""
        if cmd_name in COMMANDS:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name].summary)
        if cmd_name not in _plugin_commands():
            return None
        return TyperCommand(cmd_name, help=printable(_find(cmd_name).summary) or None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """The command that the arguments name, and its own arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        return name, own_command(name) if name in COMMANDS else _plugin_command(name), rest


@cache
def own_command(name: str) -> Any:  # noqa: ANN401 - as in `Commands`
    """A command of the table, or a group of commands, which is imported."""
    from importlib import import_module

    from unetzoo.cli.common import OwnCommand, OwnGroup, as_own_group, with_common_options

    module, _, attribute = COMMANDS[name].target.partition(":")
    target = getattr(import_module(module), attribute)
    application = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(target, typer.Typer):
        application.add_typer(as_own_group(target), name=name, cls=OwnGroup)
    else:
        application.command(name, cls=OwnCommand)(with_common_options(target))
        application.callback()(lambda: None)  # without which typer makes the command itself of an only one
    return typer.main.get_group(application).commands[name]


def _plugin_commands() -> list[str]:
    """The names of the commands of plugins."""
    if not _may_have_plugins():
        return []
    from unetzoo.registry.host import host

    return host().registries["command"].names()


def _may_have_plugins() -> bool:
    """Whether a distribution may have an entry point of a plugin: a quick look, without Python's importlib.metadata."""
    folders = [Path(folder) for folder in sys.path]
    try:
        files = (path for folder in folders for path in folder.glob("*-info/entry_points.txt"))
        return any(map(Path.is_file, folders)) or any(b"[unetzoo]" in path.read_bytes() for path in files)
    except OSError:  # who reads them all says why
        return True


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
