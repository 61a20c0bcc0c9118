"""The errors that unetzoo raises for a user's mistake, all children of `UnetzooError`."""

from collections.abc import Iterable
from difflib import get_close_matches


class UnetzooError(Exception):
    """Parent of every error that unetzoo raises on purpose."""


class UnknownNameError(UnetzooError, LookupError):
    """No part of that kind and name is registered."""


class ConflictError(UnetzooError):
    """Several plugins offer the same name, and it was asked for without saying whose."""


class OptionError(UnetzooError, TypeError):
    """An option that the part does not take, or a value that it refuses."""


class ShapeError(UnetzooError, ValueError):
    """A tensor, or a pyramid of them, with a shape that does not fit."""


class TargetError(UnetzooError, ValueError):
    """A loss got a target of the wrong shape, dtype or range."""


class ConfigError(UnetzooError, ValueError):
    """A model configuration that cannot be read."""


class PretrainedError(UnetzooError):
    """Pretrained weights that do not exist, or cannot be had."""


class PluginError(UnetzooError):
    """A plugin that breaks the rules, or a part of it that cannot be imported."""


class MissingExtraError(UnetzooError, ImportError):
    """A feature whose optional dependency is not installed."""


class PluginWarning(UserWarning):
    """A plugin was left out, or has no effect; everything else goes on."""


def did_you_mean(asked: str, known: Iterable[str]) -> str:
    """A part of a sentence that proposes the nearest known names, empty where none is near.

    Names that `asked` only prolongs or shortens come first (`resnet` for `resnet34`), then those with few edits.
    """
    known = list(known)
    lowered = asked.lower()
    same_start = sorted((name for name in known if name.lower().startswith(lowered)), key=lambda name: (len(name), name))
    near = get_close_matches(lowered, known, n=3, cutoff=0.75)
    proposals = list(dict.fromkeys(near[:1] + same_start[:3] + near[1:]))[:3] if near else same_start[:3]
    if not proposals:
        return ""
    return "did you mean " + " or ".join(repr(name) for name in proposals) + "?"
