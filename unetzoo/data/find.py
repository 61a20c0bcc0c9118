"""Find a data set: a folder, a file that lists pairs, annotations, a name, or what Python has opened already."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from unetzoo.assembly import create_dataset
from unetzoo.catalog import list_datasets
from unetzoo.data.annotations.source import open_annotations
from unetzoo.data.annotations.table import is_annotation_file, named_format
from unetzoo.data.dataset import Dataset
from unetzoo.data.sources.folders import NoPairsError, pairs_in_folder
from unetzoo.data.sources.hub import is_saved_dataset, open_hub_dataset
from unetzoo.data.sources.samples import SampleSource
from unetzoo.data.sources.source import SPLITS, Source
from unetzoo.data.sources.tables import TABLES, pairs_in_table
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataError, UnknownNameError

Data: TypeAlias = str | Path | Source | Survey | Dataset | Mapping[str, Dataset]
"""A data set: a folder, a file of pairs, annotations, `"hf:user/name"` or a name of `list_datasets`; or opened."""


def source_of(data: object) -> Source:
    """The images and masks of a data set, unread; raises DataError for what is not one."""
    if isinstance(data, Survey):
        return data.source
    if isinstance(data, Source):
        return data
    if isinstance(data, Dataset | Mapping):
        return SampleSource(data if isinstance(data, Mapping) else {"": data})
    if isinstance(data, str | os.PathLike):
        return open_source(data if isinstance(data, str) else Path(data))
    raise DataError(
        "a data set is a folder, a file that lists pairs, a name, a unetzoo.Dataset or a mapping of splits to them;"
        f" got {type(data).__name__}"
    )


def open_source(source: str | Path) -> Source:
    """The images and masks of a folder, a file that lists them, a Hugging Face data set, or a named data set.

    Args:
        source: a folder (see `unetzoo.data.sources.folders`), a `.csv`, `.tsv` or `.jsonl` file (see
            `unetzoo.data.sources.tables`), a folder or file of annotations (see `unetzoo.data.annotations.table`),
            perhaps with the name of their format before it (`"coco:cells"`), a folder of
            `datasets.Dataset.save_to_disk`, `"hf:user/name"` or `"hf:user/name:config"`, or a name of
            `unetzoo.list_datasets`.

    Raises:
        DataError: it does not exist, or has no pair of an image and a mask.
    """
    format_, text = named_format(str(source))
    path = Path(text)
    if format_ and path.exists():
        return _open_annotations(path, format_)
    if text.startswith("hf:") or is_saved_dataset(path):
        return open_hub_dataset(text)
    if path.is_dir():
        return _open_folder(path)
    if path.is_file() and path.suffix.lower() in TABLES:
        return pairs_in_table(path)
    if path.exists():
        return _open_annotations(path)
    try:
        return SampleSource({split: create_dataset(text, split=split) for split in SPLITS})
    except UnknownNameError as error:
        names = ", ".join(list_datasets())
        raise DataError(
            f"there is no folder or file {text!r}, and no data set of that name; data sets: {names}"
        ) from error


def _open_folder(folder: Path) -> Source:
    """Its masks, or else its annotations."""
    try:
        return pairs_in_folder(folder)
    except NoPairsError:
        if annotated := open_annotations(folder):
            return annotated
        raise


def _open_annotations(path: Path, format_: str = "") -> Source:
    """The annotations of a folder of a known format, or of a file."""
    is_readable = path.is_dir() or is_annotation_file(path)
    if is_readable and (annotated := open_annotations(path, format_)):
        return annotated
    raise DataError(
        f"{path} is not a data set: give a folder, a file {', '.join(TABLES)} that lists images and masks, or a file "
        "of annotations (COCO, CVAT XML, YOLO's data.yaml)"
    )
