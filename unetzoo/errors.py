"""The errors that unetzoo raises for a user's mistake, all children of `UnetzooError`."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_LONGEST = 4000  # letters


_DRESS = re.compile(
    r"^(tu-|timm[-/]|basic(?=\w))|(?<=\w)(head|decoder|loss)$", re.IGNORECASE
)  # of other libraries' names


class UnetzooError(Exception):
    """Parent of every error that unetzoo raises on purpose."""

    def __str__(self) -> str:
        text = super().__str__()  # may quote what a stranger's file holds
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} letters)"


class UnknownNameError(UnetzooError, LookupError):
    """No part of that kind and name is registered."""


class ConflictError(UnetzooError):
    """Several plugins offer the same name, and it was asked for without saying whose."""


class OptionError(UnetzooError, TypeError):
    """An option that the part does not take, or a value that it refuses."""


class OutOfMemoryError(OptionError):
    """An option asks for more memory than there is, such as a `tile`."""


class ShapeError(UnetzooError, ValueError):
    """A tensor, or a pyramid of them, with a shape that does not fit."""


class TargetError(UnetzooError, ValueError):
    """A loss got a target of the wrong shape, dtype or range."""


class DataError(UnetzooError, ValueError):
    """A file of images or masks that is missing, cannot be read, or holds what nobody can learn from or predict."""


class WriteError(UnetzooError):
    """A file cannot be written: a full disk, no permission, no such folder."""


class BusyError(UnetzooError):
    """Another process is at work in the same folder."""


class TrainingError(UnetzooError):
    """A training that cannot go on."""


class ConfigError(UnetzooError, ValueError):
    """A model configuration that cannot be read."""


class PretrainedError(UnetzooError):
    """Pretrained weights that do not exist, or cannot be had."""


class WeightsError(UnetzooError, ValueError):
    """Files of weights that cannot be read, or that are not those of the network that they come with."""


class HubError(UnetzooError):
    """The Hub cannot be reached, or refuses."""


class PluginError(UnetzooError):
    """A plugin that breaks the rules, or a part of it that cannot be imported."""


class ContractError(UnetzooError, AssertionError):
    """A part that breaks the contract of its kind; says which sentences of it."""


class MissingExtraError(UnetzooError, ImportError):
    """A feature whose optional dependency is not installed."""


class DataWarning(UserWarning):
    """Images that are probably not what a network was trained on; the work goes on."""


class WeightsWarning(UserWarning):
    """Weights that were changed or fit in part, in a way that is allowed."""


class PluginWarning(UserWarning):
    """A plugin is disabled or has no effect; everything else works."""


def did_you_mean(asked: str, known: Iterable[str]) -> str:
    """A part of a sentence that proposes up to three known names, empty where none is near.

    A name that differs in case and punctuation alone is proposed alone (`unet++` for `unetpp`), also where another
    library dresses it up (`tu-resnet34`, `FCNHead`, `DiceLoss`); else names that prolong `asked` (`resnet` for
    `resnet18`), the shortest first; else those that are nearest by difflib's ratio.
    """
    names, spellings = list(known), tuple(filter(None, (_letters(asked), _letters(_DRESS.sub("", asked)))))
    equal = [name for name in names if _letters(name) in spellings]
    longer = sorted((name for name in names if _letters(name).startswith(spellings)), key=_by_length)
    proposals = equal or longer or _nearest(asked.lower(), names)
    return f"did you mean {' or '.join(map(repr, proposals[:3]))}?" if proposals else ""


def describe_error(error: BaseException) -> str:
    """An exception of somebody else's code in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "p").replace("plus", "p"))


def _by_length(name: str) -> tuple[int, str]:
    return len(name), name


def _nearest(asked: str, names: list[str]) -> list[str]:
    ratios = {
        name: SequenceMatcher(None, name, asked).ratio() for name in get_close_matches(asked, names, n=3, cutoff=0.75)
    }
    return [name for name, ratio in ratios.items() if ratio == max(ratios.values())]
