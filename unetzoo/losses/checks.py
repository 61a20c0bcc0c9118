"""Checks of the options of losses, each of a value by the name of its option."""

import math
import operator
from collections.abc import Sequence
from functools import partial
from typing import TypeGuard

import torch
from torch import Tensor

from unetzoo.checks import whole
from unetzoo.errors import OptionError

Weights = Sequence[float] | Tensor


def check_ignore_index(option: str, value: object) -> None:
    """Raise OptionError unless `value` is a whole number or None."""
    if value is not None and whole(value) is None:
        raise OptionError(f"{option} must be a whole number or None, got {value!r}")


def check_number(
    option: str,
    value: object,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> None:
    """Raise OptionError unless `value` is a finite number within the bounds; None: no bound."""
    bounds = [
        (above, ">", operator.gt),
        (at_least, ">=", operator.ge),
        (at_most, "<=", operator.le),
        (below, "<", operator.lt),
    ]
    limits = [(bound, sign, fits) for bound, sign, fits in bounds if bound is not None]
    if not (_is_number(value) and all(fits(value, bound) for bound, _, fits in limits)):
        interval = " and ".join(f"{sign} {bound:g}" for bound, sign, _ in limits)
        raise OptionError(f"{option} must be a finite number {interval}, got {value!r}")


check_not_negative = partial(check_number, at_least=0)
check_share = partial(check_number, at_least=0, at_most=1)
check_smoothing = partial(check_number, at_least=0, below=1)
"""Of label smoothing, which moves a part of each label to the other classes."""


def check_switch(option: str, value: object) -> None:
    """Raise OptionError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise OptionError(f"{option} must be True or False, got {value!r}")


def as_weights(option: str, values: Weights | None) -> Tensor | None:
    """One weight per class, as float32 (k); None stays None.

    Raises:
        OptionError: when they are not a list of finite numbers >= 0, or all of them are 0.
    """
    if values is None:
        return None
    try:
        weights = torch.as_tensor(values, dtype=torch.float32).detach().clone()
    except (TypeError, ValueError, RuntimeError):  # torch raises any of them for anything but a list of numbers
        weights = torch.empty(0)
    usable = weights.ndim == 1 and weights.numel() > 0 and bool((weights.isfinite() & (weights >= 0)).all())
    if not usable or not bool(weights.any()):
        raise OptionError(f"{option} must be finite numbers >= 0, one for each class and not all 0; got {values!r}")
    return weights


def weights_for(logits: Tensor, option: str, weights: Tensor) -> Tensor:
    """The weights in the dtype and on the device of logits (b, k, h, w); OptionError unless there are k of them."""
    if len(weights) != logits.shape[1]:
        raise OptionError(
            f"{option} must have one number for each of the {logits.shape[1]} classes of logits "
            f"{tuple(logits.shape)}, but has {len(weights)}"
        )
    return weights.to(logits.device, logits.dtype)


def _is_number(value: object) -> TypeGuard[float]:
    """True for a finite number that is neither True nor False."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
