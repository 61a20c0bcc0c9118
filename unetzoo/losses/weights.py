"""Numbers that a loss is created with."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from unetzoo.errors import OptionError, TargetError


def check_fraction(option: str, value: float) -> float:
    """The value; OptionError unless it lies in [0, 1)."""
    if not _is_number(value) or not 0 <= value < 1:
        raise OptionError(f"{option} must be a number in [0, 1), got {value!r}")
    return float(value)


def check_at_least(option: str, value: float, least: float, *, open_end: bool = False) -> float:
    """The value; OptionError unless it is finite and >= least (> least with `open_end`)."""
    if not _is_number(value) or value < least or (open_end and value == least):
        raise OptionError(f"{option} must be a finite number {'>' if open_end else '>='} {least:g}, got {value!r}")
    return float(value)


def weights_of_classes(option: str, weights: Sequence[float] | None) -> Tensor | None:
    """The weights (k,) of the classes; OptionError unless they are finite, none negative, and not all zero."""
    if weights is None:
        return None
    usable = isinstance(weights, Sequence) and all(_is_number(weight) and weight >= 0 for weight in weights)
    if not usable or not any(weights):
        raise OptionError(f"{option} must be a list of finite numbers >= 0, not all of them 0; got {weights!r}")
    return torch.tensor(weights, dtype=torch.float32)


def check_length(option: str, weights: Tensor | None, classes: int) -> None:
    """Raise TargetError unless there is one weight a class."""
    if weights is not None and len(weights) != classes:
        raise TargetError(f"{option} has {len(weights)} weights, but the logits have {classes} classes")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
