"""What every command has: `--quiet`, `--log`, `-h`, and `--json` with or without a file."""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from unetzoo.cli.output import PRINT, reporting

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print errors and warnings alone, and what --json asks for")]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="also append what is printed there, each line with its time"),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="[FILE|-]", help="write the result as JSON into a .json file; without one or with -, print it"
    ),
]
_JSON = "--json"


class OwnCommand(TyperCommand):
    """A command of unetzoo."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as typer has it
        """Read the arguments."""
        return super().parse_args(ctx, json_to_print(args))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """The arguments of the usage line, without the braces of newer versions of typer."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class OwnGroup(TyperGroup):
    """A group of commands of unetzoo that is a command, too."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """Read the arguments."""
        return super().parse_args(ctx, json_to_print(args))


def json_to_print(args: Sequence[str]) -> list[str]:
    """Arguments in which each `--json` has a value: a .json file or `-` if that comes next, else `-`."""
    followed = [*args[1:], ""][: len(args)]
    return [
        f"{_JSON}={PRINT}" if argument == _JSON and after != PRINT and not after.endswith(".json") else argument
        for argument, after in zip(args, followed, strict=True)
    ]


def as_own_group(group: typer.Typer) -> typer.Typer:
    """A group whose commands, and which itself where it is one, have the options of all commands."""
    commands = list(group.registered_commands)
    for command in commands:
        command.cls = OwnCommand
    if group.info.invoke_without_command is True and group.registered_callback:
        commands.append(group.registered_callback)  # type: ignore[arg-type] # it has a callback, too
    for command in commands:
        assert command.callback is not None  # noqa: S101 - it was registered with one
        command.callback = with_common_options(command.callback)
    return group


def with_common_options(function: Callable[..., None]) -> Callable[..., None]:
    """A command that also takes `--quiet` and `--log`."""

    @wraps(function)
    def command(*args: Any, quiet: bool, log: Path | None, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        with reporting(quiet=quiet, log=log):
            function(*args, **kwargs)

    signature = inspect.signature(function)
    common = [
        inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
        inspect.Parameter("log", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Log),
    ]
    command.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *common])  # type: ignore[attr-defined] # as inspect reads it
    command.__annotations__ = {**function.__annotations__, "quiet": Quiet, "log": Log}
    return command
