"""What nnU-Net's dataset.json says of the masks of a folder: names of labels, and the label that does not count.

{"channel_names": {"0": "T1"}, "labels": {"background": 0, "lesion": 1, "ignore": 2}, "file_ending": ".nii.gz"}
"""

from pathlib import Path

from unetzoo.data.formats.channel_files import DESCRIPTION, is_of_nnunet, read_description
from unetzoo.data.masks.options import MaskOptions
from unetzoo.errors import DataError
from unetzoo.interop.nnunet_labels import read_labels


def described_labels(folder: Path) -> MaskOptions | None:
    """The classes, which may overlap if they are regions of several labels, and what does not count; None: nothing.

    Raises:
        DataError: labels are no names with numbers of their own.
    """
    labels = read_description(folder).get("labels") if is_of_nnunet(folder) else None
    if not isinstance(labels, dict) or not labels:
        return None
    read = read_labels(labels)
    if read is None:
        raise DataError(f"{folder / DESCRIPTION} has labels that are not names with numbers of their own: {labels}")
    if read.are_regions:
        return MaskOptions({name: [*some] for name, some in read.numbers.items()}, "overlapping", [*read.ignored])
    return MaskOptions({name: some[0] for name, some in read.numbers.items()}, ignore=[*read.ignored])
