"""A data set that was opened: its classes known, its splits ready to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.masks.decode import class_ids, read_mask
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.masks.raw import encode
from unetzoo.data.sources.open import open_source
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.splits import ALL, choose_split, split_entries
from unetzoo.data.survey.check import Problem, find_mask_problems, find_problems
from unetzoo.data.survey.pixels import Reading, read_all
from unetzoo.data.survey.resolve import resolve_coding
from unetzoo.data.survey.statistics import Statistics, measure
from unetzoo.errors import DataError
from unetzoo.nn.coding import UNKNOWN, MaskCoding
from unetzoo.nn.info import ModelInfo


class CodedDataset(Dataset):
    """The samples of one split of a source.

    Args:
        source: what to read from.
        indices: of its entries.
        coding: what its masks mean.
    """

    def __init__(self, source: Source, indices: Sequence[int], coding: MaskCoding) -> None:
        super().__init__(coding.class_names)
        self.source = source
        self.indices = tuple(indices)
        self.coding = coding

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        """The sample of that number.

        Raises:
            DataError: its files cannot be read, are of different sizes, or the mask holds what is no class.
        """
        number = self.indices[index]
        name = self.source.entries[number].name
        image, raw = self.source.pair(number)
        if raw.shape[:2] != image.shape[:2]:
            raise DataError(f"{name}: the image has {image.shape[:2]} pixels, its mask {raw.shape[:2]}")
        try:
            return Sample(image, read_mask(raw, self.coding), name)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error

    def instances(self, index: int) -> NDArray[Any] | None:
        """The numbers (h, w) of the objects, where masks number them."""
        if not self.coding.instances:
            return None
        codes = encode(self.source.raw_mask(self.indices[index]))[1]
        return np.where(class_ids(codes, self.coding) == UNKNOWN, 0, codes)


@dataclass(frozen=True)
class Survey:
    """What reading all images and masks of a source gave.

    Attributes:
        source: what was read from.
        splits: the entries of each split that has some.
        readings: of each entry.
        coding: what the masks mean, or why that cannot be told.
    """

    source: Source
    splits: Mapping[str, Sequence[int]]
    readings: Sequence[Reading]
    coding: MaskCoding | str

    @cached_property
    def problems(self) -> list[Problem]:
        """All that is wrong, errors first."""
        return find_problems(self.source, self.splits, self.readings, self.coding)

    @property
    def statistics(self) -> Statistics:
        """Of the split "train".

        Raises:
            DataError: something stands in the way of training.
        """
        chosen = set(self.splits.get("train", ()))
        return measure([reading for reading in self.readings if reading.index in chosen], self._sound_coding())

    def dataset(self, split: str) -> CodedDataset:
        """The samples of a split, or of all; none where there are none.

        Raises:
            DataError: something stands in the way of training.
        """
        indices = range(len(self.source.entries)) if split == ALL else self.splits.get(split, ())
        return CodedDataset(self.source, indices, self._sound_coding())

    def _sound_coding(self) -> MaskCoding:
        errors = [problem.text for problem in self.problems if problem.severity == "error"]
        if errors or isinstance(self.coding, str):
            raise DataError(_first_of(errors))
        return self.coding


def _first_of(problems: Sequence[str]) -> str:
    more = f" (and {len(problems) - 1} more; `unetzoo data check` lists them)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def survey(
    source: str | Path | Source,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    trained: ModelInfo | None = None,
    on_read: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Read every image and mask of a data set once, and find out what its masks mean and what is wrong with it.

    Args:
        source: as `unetzoo.data.sources.open.open_source` takes it.
        classes: names of the classes, perhaps with the values that masks have for them; None: what the masks say.
        masks: `"instances"`: masks number the objects.
        ignore: values or colors whose pixels do not count, such as `0`, `[0, -9999]` or `"#000000"`.
        threshold: values of at least this are the foreground, in masks with soft edges.
        nearest_color: a color or value of no class stands for the nearest one of a class.
        trained: what is known about a network: unless classes, masks or a threshold say otherwise, values of masks mean
            what they meant in its training; and its classes keep their order.
        on_read: called after each pair with the number of all pairs.

    Raises:
        DataError: there is no such source, or it has no pairs. What is wrong with single files is in the result.
        OptionError: classes that do not fit.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    return survey_with(source, options, trained=trained, on_read=on_read)


def survey_with(
    source: str | Path | Source,
    masks: MaskOptions,
    *,
    trained: ModelInfo | None = None,
    on_read: Callable[[int], None] = lambda _: None,
) -> Survey:
    """As `survey`, with all that a user says of masks in one."""
    opened = source if isinstance(source, Source) else open_source(source)
    total = len(opened.entries)
    readings = read_all(opened, range(total), on_read=lambda: on_read(total))
    try:
        coding: MaskCoding | str = resolve_coding(opened, readings, masks, trained or ModelInfo())
    except DataError as error:
        coding = str(error)
    return Survey(opened, split_entries(opened.entries), readings, coding)


def open_dataset(
    source: str | Path | Source,
    split: str | None = None,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    trained: ModelInfo | None = None,
) -> CodedDataset:
    """One split of a data set; its masks are read once to find out what they mean.

    Args:
        source: as `unetzoo.data.sources.open.open_source` takes it.
        split: `"train"`, `"val"`, `"test"` or `"all"`; None: as `unetzoo.data.sources.splits.choose_split` says.
        classes: as for `survey`.
        masks: as for `survey`.
        ignore: as for `survey`.
        threshold: as for `survey`.
        nearest_color: as for `survey`.
        trained: as for `survey`: `model.config.info` of the network that is to be compared with the masks.

    Raises:
        DataError: there is no such source, no such split, it cannot be told what the masks mean, or one cannot be read
            or holds what is no class.
        OptionError: classes that do not fit.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    return open_with(source, split, options, trained=trained)


def open_with(
    source: str | Path | Source, split: str | None, masks: MaskOptions, *, trained: ModelInfo | None = None
) -> CodedDataset:
    """As `open_dataset`, with all that a user says of masks in one."""
    opened = source if isinstance(source, Source) else open_source(source)
    info = trained or ModelInfo()
    try:
        chosen, note = choose_split(opened.entries, split, is_of_training=lambda: _is_of_training(opened, masks, info))
        indices = range(len(opened.entries)) if chosen == ALL else split_entries(opened.entries)[chosen]
        readings = read_all(opened, indices, images=False)
        coding = resolve_coding(opened, readings, masks, info)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    if problems := find_mask_problems(opened, readings, coding):
        raise DataError(_first_of(problems))
    dataset = CodedDataset(opened, indices, coding)
    dataset.split, dataset.split_note = chosen, note
    return dataset


def _is_of_training(source: Source, masks: MaskOptions, trained: ModelInfo) -> bool:
    """Whether a network was trained on this source."""
    try:
        return bool(trained.mean) and is_alike(trained, survey_with(source, masks, trained=trained))
    except DataError:  # it could not be trained on
        return False


def is_alike(trained: ModelInfo, found: Survey) -> bool:
    """Whether what a network knows of its training is what a training on this data would find."""
    info = found.statistics.info
    numbers = ("mean", "std", "class_frequencies")
    before, now = ([*chain(*(getattr(known, name) for name in numbers))] for known in (trained, info))
    return len(before) == len(now) and np.allclose(before, now, rtol=1e-9, atol=0)
