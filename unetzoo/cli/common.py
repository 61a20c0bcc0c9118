"""Options of every command: `--quiet`, `--log`, `-h`, and `--json` with or without a file."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from unetzoo.cli.errors import UsageError
from unetzoo.cli.flags import in_flags
from unetzoo.cli.output import PRINT, reporting
from unetzoo.errors import UnetzooError

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors, warnings and the output of --json")]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Also append the output to this file, each line with its time"),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="[FILE|-]",
        help="Write the result as JSON to a .json file; without a file, or with -, print it",
    ),
]
_JSON = "--json"
_ARGUMENTS, _OPTIONS = "Arguments", "Options"
MORE = "More"
"""The section of a help text, at its end, of options that few need."""
ARGUMENTS = "unetzoo.arguments"
"""The key of a command's arguments in `meta` of its context."""


class OwnCommand(TyperCommand):
    """A command of unetzoo; an example at the end of its docstring is shown below the options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as typer has it
        text, _, example = (kwargs.get("help") or "").partition("\n\nExample: ")
        if example:
            kwargs |= {"help": text, "epilog": f"Example: {example}"}
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as typer has it
        """Read the arguments, and keep them as they are."""
        ctx.meta[ARGUMENTS] = list(args)
        with _json_explained(args):
            return super().parse_args(ctx, json_to_print(args))

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        """Run the command; an error that begins with an option of Python begins with the flag."""
        try:
            return super().invoke(ctx)
        except UnetzooError as error:
            flags = {str(option.name): option.opts[0] for option in self.params if option.opts[0].startswith("--")}
            error.args = (in_flags(str(error), flags), *error.args[1:])
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """Write arguments and options; options of a panel (`rich_help_panel`) have a section of their own."""
        sections: dict[str, list[Any]] = {_ARGUMENTS: [], _OPTIONS: []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None:
                is_argument = option.param_type_name == "argument"
                name = _ARGUMENTS if is_argument else getattr(option, "rich_help_panel", None) or _OPTIONS
                sections.setdefault(name, []).append(record)
        for name, records in sorted(sections.items(), key=lambda section: section[0] == MORE):
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """The arguments of the usage line, without the braces of newer versions of typer."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class OwnGroup(TyperGroup):
    """A group of commands of unetzoo that is also a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """Read the arguments."""
        return super().parse_args(ctx, json_to_print(args))


@contextmanager
def _json_explained(args: Sequence[str]) -> Iterator[None]:
    """Say which files `--json` takes where the word behind it is one argument too many."""
    try:
        yield
    except UsageError as error:
        if _JSON in args and "extra argument" in error.message:
            error.message = f"{error.message.rstrip('.')}: the file of --json must end in .json"
        raise


def json_to_print(args: Sequence[str]) -> list[str]:
    """Arguments in which each `--json` has a value: a .json file or `-` if that comes next, else `-`."""
    followed = [*args[1:], ""][: len(args)]
    return [
        f"{_JSON}={PRINT}" if argument == _JSON and after != PRINT and not after.endswith(".json") else argument
        for argument, after in zip(args, followed, strict=True)
    ]


def as_own_group(group: typer.Typer) -> typer.Typer:
    """The group, whose commands get the common options; the group itself, too, if it is a command."""
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
    """The command, which also takes `--quiet` and `--log`."""

    @wraps(function)
    def command(*args: Any, quiet: bool, log: Path | None, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        with reporting(quiet=quiet, log=log, json=kwargs.get("json")):
            function(*args, **kwargs)

    signature = inspect.signature(function)
    common = [
        inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
        inspect.Parameter("log", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Log),
    ]
    command.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *common])  # type: ignore[attr-defined] # as inspect reads it
    command.__annotations__ = {**function.__annotations__, "quiet": Quiet, "log": Log}
    return command
