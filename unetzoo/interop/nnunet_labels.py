"""What nnU-Net's dataset.json says of labels: names of classes, their numbers, and the label that does not count.

{"labels": {"background": 0, "lesion": 1, "ignore": 2}}
{"labels": {"background": 0, "whole": [1, 2], "core": [2]}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_IGNORE = "ignore"


@dataclass(frozen=True)
class NnunetLabels:
    """The classes of a data set.

    Attributes:
        numbers: the labels of each class, by its name; in their order, unless they are regions.
        ignored: labels of pixels that do not count.
        are_regions: whether a class may have several labels, and a pixel several classes.
    """

    numbers: Mapping[str, tuple[int, ...]]
    ignored: tuple[int, ...]
    are_regions: bool


def read_labels(labels: object) -> NnunetLabels | None:
    """Labels in the form of version 2, names with numbers, or of version 1, numbers with names.

    Returns:
        None if they are neither, or two of them have one number.
    """
    if not isinstance(labels, Mapping) or not labels or not all(isinstance(name, str) for name in labels):
        return None
    numbers = _numbers(labels)
    single = [some[0] for some in numbers.values() if len(some) == 1]
    are_regions = any(len(some) > 1 for some in numbers.values())
    if not all(numbers.values()) or (not are_regions and len({*single}) < len(single)):
        return None
    ignored = tuple(number for name in [*numbers] if name.lower() == _IGNORE for number in numbers.pop(name))
    if not are_regions:
        numbers = dict(sorted(numbers.items(), key=lambda label: label[1]))
    return NnunetLabels(numbers, ignored, are_regions)


def _numbers(labels: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    """The numbers of each name, of either form; none for what is not a label."""
    if all(name.isdecimal() and isinstance(value, str) for name, value in labels.items()):
        return {str(value): (int(name),) for name, value in labels.items()}
    return {name: _whole(value if isinstance(value, list | tuple) else [value]) for name, value in labels.items()}


def _whole(values: Sequence[object]) -> tuple[int, ...]:
    """The values, if all are whole numbers of labels; else none."""
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0]
    return tuple(numbers) if len(numbers) == len(values) else ()
