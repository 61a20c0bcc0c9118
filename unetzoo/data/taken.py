"""What a function that needs a data set takes for one: its name, its place, or what Python has opened."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from unetzoo.data.dataset import Dataset
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.sources.samples import SampleSource
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.splits import choose_split
from unetzoo.data.survey.survey import Survey, is_alike, open_with, survey_with
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.info import ModelInfo

Data: TypeAlias = str | Path | Source | Survey | Dataset | Mapping[str, Dataset]
"""A data set: a folder, a file that lists pairs, `"hf:user/name"` or a name of `unetzoo.list_datasets`; or opened."""


def survey_of(data: Data, masks: MaskOptions, *, trained: ModelInfo | None) -> Survey:
    """All splits of a data set; of a single `Dataset`, a fifth is held out for validation.

    Raises:
        DataError, OptionError: as `survey`.
    """
    if isinstance(data, Survey):
        _check_nothing_said(masks)
        return data
    return survey_with(_source(data), masks, trained=trained)


def dataset_of(data: Data, split: str | None, masks: MaskOptions, *, trained: ModelInfo | None) -> Dataset:
    """One split of a data set; a `Dataset` is one already.

    Raises:
        DataError, OptionError: as `open_dataset`; OptionError also for what can only be said where a data set is
            opened.
    """
    if isinstance(data, Dataset | Survey):
        _check_nothing_said(masks)
    if isinstance(data, Survey):
        return _of_survey(data, split, trained or ModelInfo())
    if not isinstance(data, Dataset):
        return open_with(_source(data), split, masks, trained=trained)
    if split is not None:
        raise OptionError("a Dataset is a single split already: leave split out")
    return data


def _of_survey(found: Survey, split: str | None, trained: ModelInfo) -> Dataset:
    chosen, note = choose_split(found.source.entries, split, is_of_training=lambda: is_alike(trained, found))
    dataset = found.dataset(chosen)
    dataset.split, dataset.split_note = chosen, note
    return dataset


def _check_nothing_said(masks: MaskOptions) -> None:
    if masks != MaskOptions():
        raise OptionError("this data set is open already: say classes and masks where you open it")


def _source(data: object) -> str | Path | Source:
    if isinstance(data, Dataset | Mapping):
        return SampleSource(data if isinstance(data, Mapping) else {"": data})
    if isinstance(data, str | Source):
        return data
    if isinstance(data, os.PathLike):
        return Path(data)
    raise DataError(
        "a data set is a folder, a file that lists pairs, a name, a unetzoo.Dataset or a mapping of splits to them;"
        f" got {type(data).__name__}"
    )
