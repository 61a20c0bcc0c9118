"""What nnU-Net's dataset.json says of the masks of a folder: names of labels, and the label that does not count.

{"channel_names": {"0": "T1"}, "labels": {"background": 0, "lesion": 1, "ignore": 2}, "file_ending": ".nii.gz"}
{"labels": {"background": 0, "whole": [1, 2], "core": [2]}}
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unetzoo.data.formats.channel_files import DESCRIPTION, is_of_nnunet, read_description
from unetzoo.data.masks.options import MaskOptions
from unetzoo.errors import DataError

_IGNORE = "ignore"


def described_labels(folder: Path) -> MaskOptions | None:
    """The classes, which may overlap if they are regions of several labels, and what does not count; None: nothing.

    Both forms are read: names with numbers, as of version 2, and numbers with names, as of version 1.

    Raises:
        DataError: labels are neither, or two of them have one number.
    """
    labels = read_description(folder).get("labels") if is_of_nnunet(folder) else None
    if not isinstance(labels, dict) or not labels:
        return None
    numbers = _numbers(labels)
    single = [some[0] for some in numbers.values() if len(some) == 1]
    are_regions = any(len(some) > 1 for some in numbers.values())
    if not all(numbers.values()) or (not are_regions and len({*single}) < len(single)):
        raise DataError(f"{folder / DESCRIPTION} has labels that are not names with numbers of their own: {labels}")
    ignored = [number for name in [*numbers] if name.lower() == _IGNORE for number in numbers.pop(name)]
    if are_regions:
        return MaskOptions(numbers, "overlapping", ignored)
    named = {name: some[0] for name, some in sorted(numbers.items(), key=lambda label: label[1])}
    return MaskOptions(named, ignore=ignored)


def _numbers(labels: Mapping[str, object]) -> dict[str, list[int]]:
    """The numbers of each name, of either form; none for what is not a label."""
    if all(name.isdecimal() and isinstance(value, str) for name, value in labels.items()):
        return {str(value): [int(name)] for name, value in labels.items()}
    return {name: _whole(value if isinstance(value, list) else [value]) for name, value in labels.items()}


def _whole(values: Sequence[object]) -> list[int]:
    """The values, if all are whole numbers of labels; else none."""
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0]
    return numbers if len(numbers) == len(values) else []
