"""The errors and warnings of unetzoo; all errors are subclasses of `UnetzooError`."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_LONGEST = 4000  # letters


_DRESS = re.compile(
    r"^(tu-|timm[-/]|basic(?=\w))|(?<=\w)(head|decoder|loss)$", re.IGNORECASE
)  # of other libraries' names


class UnetzooError(Exception):
    """Base class of all errors of unetzoo."""

    def __str__(self) -> str:
        text = super().__str__()  # may quote an untrusted file
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} letters)"


class UnknownNameError(UnetzooError, LookupError):
    """No part of that kind has this name."""


class ConflictError(UnetzooError):
    """Several plugins provide a name that is not qualified."""


class OptionError(UnetzooError, TypeError):
    """An unknown option, or an invalid value."""


class OutOfMemoryError(OptionError):
    """An option, such as `tile`, needs more memory than there is."""


class ShapeError(UnetzooError, ValueError):
    """A tensor, or a pyramid of tensors, has a shape that does not fit."""


class TargetError(UnetzooError, ValueError):
    """The target of a loss has the wrong shape, dtype or range."""


class DataError(UnetzooError, ValueError):
    """An image or mask is missing, cannot be read, or cannot be used for training or prediction."""


class WriteError(UnetzooError):
    """A file cannot be written: the disk is full, permissions or the folder are missing."""


class BusyError(UnetzooError):
    """Another process works in the same folder."""


class TrainingError(UnetzooError):
    """A training cannot continue."""


class ConfigError(UnetzooError, ValueError):
    """The configuration of a network is invalid."""


class PretrainedError(UnetzooError):
    """Pretrained weights do not exist, or cannot be loaded."""


class WeightsError(UnetzooError, ValueError):
    """Weights cannot be read, or are not those of the network."""


class HubError(UnetzooError):
    """The Hub cannot be reached, or refuses."""


class PluginError(UnetzooError):
    """A plugin breaks the rules, or a part of it cannot be imported."""


class ContractError(UnetzooError, AssertionError):
    """A part breaks the contract of its kind; the message lists the rules."""


class MissingExtraError(UnetzooError, ImportError):
    """An optional dependency is not installed."""


class DataWarning(UserWarning):
    """Images probably differ from those that a network was trained on."""


class WeightsWarning(UserWarning):
    """Weights are converted, or fit only in part, in an allowed way."""


class TrainingWarning(UserWarning):
    """A training is shorter than its defaults say, since the machine is slow."""


class PluginWarning(UserWarning):
    """A plugin is disabled or has no effect; everything else works."""


def did_you_mean(unknown: str, known: Iterable[str]) -> str:
    """A question that proposes up to three known names; empty if none is similar.

    Names that differ only in case and punctuation come first (`unetpp` for `unet++`), also without the affixes of other
    libraries (`tu-resnet34`, `FCNHead`, `DiceLoss`); then names that begin with the unknown one (`resnet18` for
    `resnet`), the shortest first; then those that are nearest by difflib's ratio.
    """
    names, spellings = list(known), tuple(filter(None, (_letters(unknown), _letters(_DRESS.sub("", unknown)))))
    equal = [name for name in names if _letters(name) in spellings]
    longer = sorted((name for name in names if _letters(name).startswith(spellings)), key=_by_length)
    proposals = equal or longer or _nearest(unknown.lower(), names)
    return f"did you mean {' or '.join(map(repr, proposals[:3]))}?" if proposals else ""


def describe_error(error: BaseException) -> str:
    """An exception of other code in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "p").replace("plus", "p"))


def _by_length(name: str) -> tuple[int, str]:
    return len(name), name


def _nearest(unknown: str, names: list[str]) -> list[str]:
    ratios = {
        name: SequenceMatcher(None, name, unknown).ratio()
        for name in get_close_matches(unknown, names, n=3, cutoff=0.75)
    }
    return [name for name, ratio in ratios.items() if ratio == max(ratios.values())]
