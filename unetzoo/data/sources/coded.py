"""The samples of a source whose masks have a known coding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.masks.decode import class_ids, read_mask
from unetzoo.data.masks.raw import encode
from unetzoo.data.sources.source import Source
from unetzoo.errors import DataError
from unetzoo.nn.coding import UNKNOWN, MaskCoding


class CodedDataset(Dataset):
    """The samples of one split of a source.

    Args:
        source: to read from.
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
            DataError: its files cannot be read, have different sizes, or the mask holds a value of no class.
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
        """The numbers (h, w) of the objects, if masks number them."""
        if not self.coding.instances:
            return None
        codes = encode(self.source.raw_mask(self.indices[index]))[1]
        return np.where(class_ids(codes, self.coding) == UNKNOWN, 0, codes)
