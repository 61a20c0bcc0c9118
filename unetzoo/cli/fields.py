"""Flags of a command that are the fields of a frozen options object: one source for type, default, help and check.

The type and the range of a field come from its annotation, its default from the class, its help text from the first
sentence of its documentation in the docstring (`name: Sentence. None: what that means. More.`).
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from fractions import Fraction
from functools import wraps
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from unetzoo.checks import Range, field_types

_METAVARS = {int: "N", float: "NUMBER", str: "TEXT"}


@dataclass(frozen=True, kw_only=True)
class _Words:
    """What a command calls the fields of its options, by field, where that does not follow from them."""

    flags: Mapping[str, str]
    metavars: Mapping[str, str]
    defaults: Mapping[str, str]
    panels: Mapping[str, Sequence[str]]
    readers: Mapping[str, Callable[[str], Any]]

    def flag(self, name: str) -> str:
        return self.flags.get(name) or f"--{name.replace('_', '-')}"

    def panel(self, name: str) -> str | None:
        return next((panel for panel, names in self.panels.items() if name in names), None)


def with_fields(
    options: type,
    *,
    into: str = "values",
    flags: Mapping[str, str] = MappingProxyType({}),
    metavars: Mapping[str, str] = MappingProxyType({}),
    defaults: Mapping[str, str] = MappingProxyType({}),
    without: Sequence[str] = (),
    panels: Mapping[str, Sequence[str]] = MappingProxyType({}),
    readers: Mapping[str, Callable[[str], Any]] = MappingProxyType({}),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a flag to a command for each field of a class of options; the command gets the values of the command line.

    Args:
        options: a frozen dataclass with documented fields.
        into: parameter of the command that gets a dictionary of the values, without those that are not on the command
            line; the flags take its place in the help text.
        flags: flags that are not the names of their fields, such as `{"trackers": "--track"}`.
        metavars: what a flag takes, where that is neither a number nor a choice, such as `{"device": "NAME"}`.
        defaults: texts for defaults that are not those of the fields.
        without: fields that are no flags.
        panels: sections of the help text and their fields, in this order; the others stand among the options of the
            command.
        readers: functions that make the values of fields from texts, where types alone do not say how.
    """
    words = _Words(flags=flags, metavars=metavars, defaults=defaults, panels=panels, readers=readers)
    types = field_types(options)
    order = [name for names in panels.values() for name in names]
    flagged = sorted(
        (field for field in fields(options) if field.name not in without),
        key=lambda field: order.index(field.name) if field.name in order else -1,
    )
    generated = {field.name: _parameter(options, field, words, *types[field.name]) for field in flagged}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
            parameters += generated.values() if name == into else [parameter]

        @wraps(function)
        def command(**arguments: Any) -> None:  # noqa: ANN401 - as typer reads them
            values = {name: arguments.pop(name) for name in generated}
            values = {name: value for name, value in values.items() if value not in (None, [])}
            values |= {name: read(values[name]) for name, read in readers.items() if name in values}
            function(**arguments, **{into: values})

        keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
        command.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined] # as inspect reads it
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
        return command

    return decorate


def _parameter(
    options: type,
    field: "Field[Any]",
    words: _Words,
    kind: Any,  # noqa: ANN401 - a union has no type of its own
    limits: Range | None,
) -> inspect.Parameter:
    members = [member for member in get_args(kind) if member is not type(None)]
    literal = next((each for each in (kind, *members) if get_origin(each) is Literal), None)
    choices = [str(choice) for choice in get_args(literal)]
    is_list = isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Sequence)
    single = str if choices or field.name in words.readers else members[0] if members else kind
    unit = words.metavars.get(field.name) or (limits and limits.unit) or "|".join(choices)
    option = typer.Option(
        words.flag(field.name),
        metavar=None if single is bool else unit or _METAVARS[single],
        help=_help(options, field, words) + "; may be repeated" * is_list,
        show_default=False,
        rich_help_panel=words.panel(field.name),
    )
    annotation: Any = list[single] if is_list else single  # type: ignore[valid-type] # it is known at run time
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[annotation | None, option]
    )


def _help(options: type, field: "Field[Any]", words: _Words) -> str:
    """The first sentence of the documentation of a field, and its default: `Crops per step  [default: 8]`."""
    names = [other.name for other in fields(options)]
    entry = re.search(rf"^    {field.name}: (.*(?:\n {{8}}.*)*)", inspect.getdoc(options) or "", flags=re.MULTILINE)
    text = " ".join(entry[1].split()) if entry else ""
    text = re.sub(r"`(\w+)`", lambda match: words.flag(match[1]) if match[1] in names else match[1], text)
    sentence = re.split(r"\.(?: (?=[A-Z0-9\"`])|$)", text.replace("`", ""))[0]
    unset = re.search(r"\b(?:None|Empty): (.*?)(?:\. |\.?$)", text.replace("`", ""))
    default = words.defaults.get(field.name) or _as_text(field.default) or (unset[1] if unset else "")
    return f"{sentence}  [default: {default}]" if default else sentence


def _as_text(default: object) -> str:
    """A default as people write it: 1/3, not 0.3333333333333333; empty if it says nothing."""
    if isinstance(default, float):
        return f"{default:g}" if float(f"{default:g}") == default else str(Fraction(default).limit_denominator(100))
    return str(default) if isinstance(default, int | str) and not isinstance(default, bool) else ""
