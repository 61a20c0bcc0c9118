"""The options of a part are the parameters of its builder."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unetzoo.checks import plain
from unetzoo.errors import OptionError, PluginError, did_you_mean
from unetzoo.specs import Builder, Lazy, noun

_RESERVED = {
    "encoder": ("in_channels", "pretrained"),
    "decoder": ("features",),
    "loss": (),
    "object": (),
    "dataset": ("split",),
}
_OPTIONAL = ("spatial_dims",)  # passed to the builders that take them


@dataclass(frozen=True)
class Option:
    """One option of a part.

    Attributes:
        name: its name in `decoder_options={name: value}`.
        default: its default value; None if it is required.
        annotation: its type as in the source; may be empty.
        required: whether it has no default.
    """

    name: str
    default: object
    annotation: str
    required: bool

    def __str__(self) -> str:
        return self.name if self.required else f"{self.name}={self.default!r}"


def options_of(kind: str, build: Lazy | Builder) -> tuple[Option, ...]:
    """The options of a builder, without the parameters that unetzoo passes itself.

    Raises:
        PluginError: the builder cannot be imported, or lacks a parameter that unetzoo passes.
    """
    parameters = _parameters(_resolved(build))
    missing = [name for name in _RESERVED[kind] if name not in parameters]
    if missing:
        raise PluginError(f"the {noun(kind)}'s builder must take {missing[0]!r} by name; {build!r} does not")
    passed = (*_RESERVED[kind], *_OPTIONAL)
    return tuple(_option(parameter) for name, parameter in parameters.items() if name not in passed)


def build_part(
    kind: str, name: str, build: Lazy | Builder, reserved: Mapping[str, Any], options: Mapping[str, Any]
) -> Any:  # noqa: ANN401 - the caller knows the kind
    """Call a builder with `reserved`, which unetzoo passes itself, and the user's options.

    Raises:
        OptionError: an option is unknown, or a required one is missing.
        PluginError: as `options_of`.
    """
    accepted = options_of(kind, build)
    names = [option.name for option in accepted]
    takes = f"it takes {', '.join(map(str, accepted))}" if accepted else "it takes none"
    for key in options:
        if key not in names:
            hint = f"{did_you_mean(str(key), names)} " if did_you_mean(str(key), names) else ""
            raise OptionError(f"{noun(kind)} {name!r} has no option {key!r}; {hint}{takes}")
    for option in accepted:
        if option.required and option.name not in options:
            raise OptionError(f"{noun(kind)} {name!r} needs the option {option.name!r}; {takes}")
    return _resolved(build)(**reserved, **plain(options))


def _resolved(build: Lazy | Builder) -> Builder:
    return build.resolve() if isinstance(build, Lazy) else build


def _parameters(builder: Builder) -> dict[str, inspect.Parameter]:
    """The parameters that can be passed by name."""
    try:
        signature = inspect.signature(builder)
    except (TypeError, ValueError) as error:  # callables written in C may have none
        raise PluginError(f"{builder!r} has no signature, so its options are unknown") from error
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: parameter for name, parameter in signature.parameters.items() if parameter.kind in by_name}


def _option(parameter: inspect.Parameter) -> Option:
    required = parameter.default is parameter.empty
    return Option(parameter.name, None if required else parameter.default, _type_name(parameter.annotation), required)


def _type_name(annotation: object) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
