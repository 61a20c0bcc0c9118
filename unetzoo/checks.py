"""Checks of option values, each with one clear error."""

from collections.abc import Sequence
from typing import Any, get_args

from unetzoo.errors import OptionError

_MOST = 2**16
_MOST_LEVELS = 64


def check_choice(option: str, value: object, allowed: Any) -> None:  # noqa: ANN401 - a Literal type has no type of its own
    """Raise OptionError unless `value` is one of a Literal's."""
    choices = get_args(allowed)
    if value not in choices:
        raise OptionError(f"{option} must be one of {', '.join(map(str, choices))}; got {value!r}")


def check_count(option: str, value: object) -> None:
    """Raise OptionError unless `value` is a whole number from 1 to 65,536."""
    if not _is_whole(value) or value < 1:  # type: ignore[operator] # it is a whole number
        raise OptionError(f"{option} must be a whole number >= 1, got {value!r}")
    if value > _MOST:  # type: ignore[operator] # as above
        raise OptionError(f"{option} must be at most {_MOST:,}, got {value!r}")


def check_probability(option: str, value: object) -> None:
    """Raise OptionError unless `value` is a number in [0, 1)."""
    if not (isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1):
        raise OptionError(f"{option} must be a probability in [0, 1), got {value!r}")


def check_widths(option: str, widths: Sequence[int]) -> tuple[int, ...]:
    """The widths as a tuple; OptionError unless all are whole numbers >= 1."""
    if not isinstance(widths, Sequence) or not widths:
        raise OptionError(f"{option} must be a list of whole numbers >= 1, got {widths!r}")
    if len(widths) > _MOST_LEVELS:
        raise OptionError(f"{option} has {len(widths):,} entries; at most {_MOST_LEVELS} are built")
    for width in widths:
        check_count(f"each of {option}", width)
    return tuple(widths)


def check_depth(depth: int | None, levels: int) -> int:
    """The number of levels to use, None for all; OptionError when there are not that many."""
    if depth is None:
        return levels
    if not _is_whole(depth) or not 1 <= depth <= levels:
        raise OptionError(f"depth must be a whole number from 1 to {levels}, the levels of this encoder; got {depth!r}")
    return depth


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
