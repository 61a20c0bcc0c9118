"""Survey a source: read every image and mask once, decide what the masks mean, list what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from unetzoo.data.formats.slices import AS_IT_SAYS, Slicing
from unetzoo.data.masks.options import MaskOptions, Masks
from unetzoo.data.masks.trained import resolve_coding
from unetzoo.data.sources.blocks import BlockSource
from unetzoo.data.sources.cases import CaseSource
from unetzoo.data.sources.samples import CodedDataset
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.splits import ALL, split_entries
from unetzoo.data.sources.volumes import VolumeSource
from unetzoo.data.survey.problems import Problem, find_problems, summary_of
from unetzoo.data.survey.reading import Reading, masks_of, read_all
from unetzoo.data.survey.statistics import Statistics, measure
from unetzoo.errors import DataError
from unetzoo.nn.coding import MaskCoding
from unetzoo.nn.info import ModelInfo


@dataclass(frozen=True)
class Survey:
    """Result of `unetzoo.survey`: what a data set holds, and what is wrong with it.

    `unetzoo.fit` and `unetzoo.evaluate` take it in place of the data set, and need not survey that again.

    Attributes:
        splits: the numbers of the images of each split, `"train"`, `"val"` and `"test"`, that has some.
        source: the images and masks, by number.
        readings: what reading each image and mask gave.
        coding: what the values of the masks mean, or why that cannot be decided.
        masks: what the user or the data say of the masks.
    """

    source: Source
    splits: Mapping[str, Sequence[int]]
    readings: Sequence[Reading]
    coding: MaskCoding | str
    masks: Masks = "auto"

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong, errors first; errors stand in the way of training, warnings do not."""
        return tuple(find_problems(self.source, self.splits, self.readings, self.coding, self.masks))

    @property
    def errors(self) -> tuple[str, ...]:
        """The texts of the errors."""
        return tuple(problem.text for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The texts of the warnings."""
        return tuple(problem.text for problem in self.problems if problem.severity == "warning")

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each image, such as its path in the folder."""
        return tuple(entry.name for entry in self.source.entries)

    @property
    def sizes(self) -> tuple[tuple[int, ...] | None, ...]:
        """Height and width of each image in pixels, of volumes the depth first; None if it cannot be read."""
        shapes = {reading.index: reading.image.shape for reading in self.readings if reading.image}
        return tuple(shapes[index][:-1] if index in shapes else None for index in range(len(self.source.entries)))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class id; empty if it cannot be decided what the masks mean."""
        return self.coding.class_names if isinstance(self.coding, MaskCoding) else ()

    @property
    def statistics(self) -> Statistics:
        """What the images and masks of the split `"train"` are like.

        Raises:
            DataError: there are errors.
        """
        chosen = set(self.splits.get("train", ()))
        return measure([reading for reading in self.readings if reading.index in chosen], self._sound_coding())

    @cached_property
    def digest(self) -> str:
        """A hash of the pixels of all images and masks, in their order and splits, wherever the files lie."""
        split_of = {index: split for split, indices in self.splits.items() for index in indices}
        digest = blake2b(digest_size=16)
        for reading in self.readings:
            pair = reading.image and reading.image.digest, reading.mask and reading.mask.digest
            digest.update(repr((reading.index, split_of.get(reading.index), *pair)).encode())
        return f"blake2b:{digest.hexdigest()}"

    @property
    def split_by(self) -> str:
        """What was divided among splits, as in `ModelInfo`."""
        return "blocks" if isinstance(self.source, BlockSource) and self.source.is_split else ""

    @property
    def slicing(self) -> Slicing:
        """How volumes are read, with slices and axis; both None of images."""
        return self.source.slicing if isinstance(self.source, VolumeSource) else AS_IT_SAYS

    @property
    def noun(self) -> str:
        """What the entries are, for people: `"image"`, `"slice"` or `"volume"`."""
        if isinstance(self.source, CaseSource):
            return "volume"
        return "slice" if isinstance(self.source, VolumeSource) else "image"

    def dataset(self, split: str) -> CodedDataset:
        """The samples of a split, or of `"all"`; empty if the split has none.

        Raises:
            DataError: there are errors.
        """
        return self.of_images(range(len(self.source.entries)) if split == ALL else self.splits.get(split, ()))

    def of_images(self, indices: Sequence[int]) -> CodedDataset:
        """The samples of images by their numbers; raises DataError if there are errors."""
        return CodedDataset(self.source, indices, self._sound_coding())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: images in each split, problems, and statistics, which are None if there are errors."""
        return {
            "splits": {split: len(indices) for split, indices in self.splits.items()},
            "problems": [asdict(problem) for problem in self.problems],
            "statistics": None if self.errors else asdict(self.statistics),
        }

    def is_training_data_of(self, info: ModelInfo) -> bool:
        """Whether a network was trained on this data: its statistics are the same.

        Raises:
            DataError: there are errors.
        """
        mine, others = ([*each.mean, *each.std, *each.class_frequencies] for each in (self.statistics.info, info))
        return len(mine) == len(others) and np.allclose(mine, others, rtol=1e-9, atol=0)

    def _sound_coding(self) -> MaskCoding:
        if self.errors or isinstance(self.coding, str):
            raise DataError(summary_of(self.errors))
        return self.coding


def survey_source(
    source: Source,
    masks: MaskOptions,
    *,
    trained: ModelInfo | None = None,
    on_read: Callable[[int], None] | None = None,
) -> Survey:
    """Read every image and mask of a source once, see `unetzoo.survey`.

    Args:
        source: to read.
        masks: what the user says of the masks.
        trained: what is known about a network.
        on_read: called after each pair with the number of all pairs.
    """
    total = len(source.entries)
    readings = read_all(source, range(total), on_read=lambda: on_read(total) if on_read else None)
    try:
        coding: MaskCoding | str = resolve_coding(
            masks_of(readings), masks, trained or ModelInfo(), class_names=source.class_names
        )
    except DataError as error:
        coding = str(error)
    return Survey(source, split_entries(source.entries), readings, coding, masks.masks)
