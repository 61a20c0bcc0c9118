"""Checks of option values, each with one clear error.

Numbers may be those of NumPy, torch or any type that Python accepts as an index or a float: `classes=mask.max() + 1`.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from unetzoo.errors import OptionError

Precision = Literal["float32", "bfloat16", "float16"]
_SHORT = {"no": "float32", "fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_NOUNS: dict[Any, str] = {str: "a text", str | None: "a text", bool: "True or False"}
_MOST = 2**16
_MOST_LEVELS = 64


class Range(NamedTuple):
    """The values that a field of an options object may have, in its annotation: `Annotated[int, Range(1, 9)]`.

    Attributes:
        low: smallest value.
        high: largest value.
        unit: of the value, in help texts, such as `"PIXELS"`.
    """

    low: float
    high: float
    unit: str = ""


def field_types(options: type) -> dict[str, tuple[Any, Range | None]]:
    """Type and range of each field of a class of options; a type that may be None is `T | None`."""
    types = {}
    for name, hint in get_type_hints(options, include_extras=True).items():
        is_annotated = get_origin(hint) is Annotated
        extras = hint.__metadata__ if is_annotated else ()
        limits = next((extra for extra in extras if isinstance(extra, Range)), None)
        types[name] = (hint.__origin__ if is_annotated else hint, limits)
    return types


def check_fields(options: object) -> None:
    """Check the fields of a frozen options object: numbers with a `Range`, choices of a `Literal`, texts, switches.

    Numbers become Python's own; None stays where it is allowed.

    Raises:
        OptionError: a value is invalid; names the field.
    """
    for name, (kind, limits) in field_types(type(options)).items():
        value = getattr(options, name)
        if get_origin(kind) is Literal:
            check_choice(name, value, kind)
        if kind in _NOUNS and not isinstance(value, kind):
            raise OptionError(f"{name} must be {_NOUNS[kind]}, got {value!r}")
        if limits and not (value is None and type(None) in get_args(kind)):
            object.__setattr__(options, name, _in_range(name, value, limits, int if _is_whole(kind) else float))


def _is_whole(kind: Any) -> bool:  # noqa: ANN401 - a union has no type of its own
    return int in (kind, *get_args(kind))


def _in_range(name: str, value: object, limits: Range, kind: type) -> float:
    own = whole(value) if kind is int else number(value)
    if own is None or not limits.low <= own <= limits.high:
        noun = "whole number" if kind is int else "number"
        raise OptionError(f"{name} must be a {noun} from {limits.low:,g} to {limits.high:,g}, got {value!r}")
    return own


def check_choice(option: str, value: object, allowed: Any) -> None:  # noqa: ANN401 - a Literal type has no type of its own
    """Raise OptionError unless a Literal type contains `value`."""
    choices = get_args(allowed)
    if value not in choices:
        raise OptionError(f"{option} must be one of {', '.join(map(str, choices))}; got {value!r}")


def check_texts(option: str, values: object) -> tuple[str, ...]:
    """A list of texts as a tuple; OptionError for anything else, such as a single text."""
    if isinstance(values, str) or not isinstance(values, Iterable) or not all(isinstance(each, str) for each in values):
        raise OptionError(f"{option} must be a list of texts, got {values!r}")
    return tuple(values)


def check_precision(value: object) -> Precision:
    """The name of a floating type; `value` may also be a short name or torch's dtype. OptionError for others."""
    name: Any = _SHORT.get(str(value), str(value).removeprefix("torch."))
    check_choice("precision", name, Precision)
    precision: Precision = name
    return precision


def check_count(option: str, value: object) -> int:
    """A whole number from 1 to 65,536 as an int; OptionError for anything else."""
    count = check_whole(option, value, 1)
    if count > _MOST:
        raise OptionError(f"{option} must be at most {_MOST:,}, got {value!r}")
    return count


def check_whole(option: str, value: object, least: int) -> int:
    """A whole number >= `least` as an int; OptionError for anything else."""
    count = whole(value)
    if count is None or count < least:
        raise OptionError(f"{option} must be a whole number >= {least}, got {value!r}")
    return count


def check_probability(option: str, value: object) -> float:
    """A number in [0, 1); OptionError for anything else."""
    share = number(value)
    if share is None or not 0 <= share < 1:
        raise OptionError(f"{option} must be a probability in [0, 1), got {value!r}")
    return share


def check_widths(option: str, widths: Sequence[int]) -> tuple[int, ...]:
    """The widths as a tuple of ints; OptionError unless all are whole numbers >= 1."""
    values = plain(widths)
    if not isinstance(values, Sequence) or not values:
        raise OptionError(f"{option} must be a list of whole numbers >= 1, got {widths!r}")
    if len(values) > _MOST_LEVELS:
        raise OptionError(f"{option} has {len(values):,} entries; at most {_MOST_LEVELS} are allowed")
    return tuple(check_count(f"each of {option}", width) for width in values)


def check_depth(depth: int | None, levels: int) -> int:
    """The number of levels to use, None: all; OptionError if there are fewer."""
    if depth is None:
        return levels
    used = whole(depth)
    if used is None or not 1 <= used <= levels:
        raise OptionError(f"depth must be a whole number from 1 to {levels}, the levels of this encoder; got {depth!r}")
    return used


def plain(value: object) -> Any:  # noqa: ANN401 - of any type
    """Convert numbers and arrays of NumPy, torch and others, also in lists and mappings, to Python's own types."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if type(value) is list:
        return [plain(item) for item in value]
    if type(value) is tuple:
        return tuple(plain(item) for item in value)
    as_list = getattr(value, "tolist", None)
    return as_list() if callable(as_list) and not isinstance(value, type) else value


def whole(value: object) -> int | None:
    """A whole number of any type as an int; None for anything else, including True and False."""
    own = plain(value)
    try:
        return None if isinstance(own, bool) else operator.index(own)
    except TypeError:
        return None


def number(value: object) -> float | None:
    """A real number of any type as an int or float; None for anything else, including True and texts."""
    own = plain(value)
    if isinstance(own, bool | str | bytes | bytearray):
        return None
    try:
        return own if isinstance(own, int | float) else float(own)
    except (TypeError, ValueError, OverflowError):
        return None
