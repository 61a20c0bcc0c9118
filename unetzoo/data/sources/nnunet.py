"""What nnU-Net's dataset.json says of the masks of a folder: names of labels, and the label that does not count.

{"channel_names": {"0": "T1"}, "labels": {"background": 0, "lesion": 1, "ignore": 2}, "file_ending": ".nii.gz"}
"""

from pathlib import Path

from unetzoo.data.formats.channel_files import DESCRIPTION, read_description
from unetzoo.data.masks.options import MaskOptions
from unetzoo.errors import DataError

_IGNORE = "ignore"


def described_labels(folder: Path) -> tuple[MaskOptions | None, list[str]]:
    """The classes and the value that does not count, and what is not taken over; None without such a description.

    Both forms are read: names with numbers, as of version 2, and numbers with names, as of version 1.

    Raises:
        DataError: labels are neither, or two of them have one number.
    """
    labels = read_description(folder).get("labels")
    if not isinstance(labels, dict) or not labels:
        return None, []
    numbers = _numbers(labels)
    regions = sorted(name for name, value in numbers.items() if isinstance(value, list))
    if regions:
        note = (
            f"{DESCRIPTION} describes regions that overlap ({', '.join(regions)}), which are not taken over: the ids "
            "of the masks are classes; name these with --classes"
        )
        return None, [note]
    if not all(isinstance(value, int) for value in numbers.values()) or len({*numbers.values()}) < len(numbers):
        raise DataError(f"{folder / DESCRIPTION} has labels that are not names with a number each, such as {labels}")
    ignored = [numbers.pop(name) for name in [*numbers] if name.lower() == _IGNORE]
    return MaskOptions(dict(sorted(numbers.items(), key=lambda label: label[1])), ignore=ignored), []


def _numbers(labels: dict[str, object]) -> dict[str, object]:
    """Names with their numbers, of either form."""
    if all(name.isdecimal() and isinstance(value, str) for name, value in labels.items()):
        return {str(value): int(name) for name, value in labels.items()}
    return {
        name: int(value) if isinstance(value, str) and value.isdecimal() else value for name, value in labels.items()
    }
