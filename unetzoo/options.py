"""A part's options are its builder's own signature: read them, and bind a mapping to them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unetzoo.errors import OptionError, did_you_mean
from unetzoo.specs import Lazy

_RESERVED = {"encoder": ("in_channels", "pretrained"), "decoder": ("features",), "loss": ()}


@dataclass(frozen=True)
class Option:
    """One option of a part.

    Attributes:
        name: as in `decoder_options={name: value}`.
        default: its value where none is given; `Option.required` has none.
        annotation: its type, as the source has it; empty where it has none.
        required: whether it must be given.
    """

    name: str
    default: object
    annotation: str
    required: bool

    def __str__(self) -> str:
        return self.name if self.required else f"{self.name}={self.default!r}"


def options_of(kind: str, build: Lazy | Callable[..., Any]) -> tuple[Option, ...]:
    """The options that a builder takes, in its order, without those that unetzoo fills in itself."""
    builder = build.resolve() if isinstance(build, Lazy) else build
    return tuple(
        Option(
            parameter.name,
            None if parameter.default is parameter.empty else parameter.default,
            "" if parameter.annotation is parameter.empty else inspect.formatannotation(parameter.annotation),
            parameter.default is parameter.empty,
        )
        for parameter in inspect.signature(builder).parameters.values()
        if parameter.name not in _RESERVED[kind] and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    )


def build_part(
    kind: str, name: str, build: Lazy | Callable[..., Any], reserved: Mapping[str, Any], options: Mapping[str, Any]
) -> Any:  # noqa: ANN401 - the caller knows the kind
    """Call a builder with what unetzoo fills in and the user's options.

    Raises:
        OptionError: for an option that the builder does not have, or one that it needs and did not get.
    """
    accepted = options_of(kind, build)
    names = [option.name for option in accepted]
    takes = f"it takes {', '.join(map(str, accepted))}" if accepted else "it takes none"
    for option in options:
        if option not in names:
            hint = did_you_mean(str(option), names)
            raise OptionError(f"{kind} {name!r} has no option {option!r}; {hint + ' ' if hint else ''}{takes}")
    missing = [option.name for option in accepted if option.required and option.name not in options]
    if missing:
        raise OptionError(f"{kind} {name!r} needs the option {missing[0]!r}; {takes}")
    builder = build.resolve() if isinstance(build, Lazy) else build
    return builder(**reserved, **options)
