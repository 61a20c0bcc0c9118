"""What a fingerprint needs of one case, collected image by image, or slice by slice."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Sample
from unetzoo.data.formats.nodata import valid_values
from unetzoo.nn.coding import UNKNOWN


@dataclass
class Case:
    """An image, or a volume slice by slice.

    Attributes:
        step: of so many values of the foreground one is kept.
        nodata: values that stand for no data.
        slices: number of slices so far.
        boxes: the number, and first and last row and column that are not 0, of slices that have some.
        plane: height and width of a slice.
        values: of the foreground that are not 0 in all channels, (n, channels) each.
        zeros: slice, row and column (n, 3) of those that are.
    """

    step: int = 1
    nodata: tuple[float, ...] = ()
    slices: int = 0
    boxes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    plane: tuple[int, int] = (1, 1)
    values: list[NDArray[np.float32]] = field(default_factory=list)
    zeros: list[NDArray[np.int32]] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Take an image, or the next slice."""
        valid = valid_values(sample.image, self.nodata)
        image = np.ma.getdata(sample.image)
        self.plane = image.shape[:2]
        nonzero = ((image != 0) if valid is None else (image != 0) & valid).any(-1)
        if nonzero.any():
            rows, columns = (np.flatnonzero(nonzero.any(axis)) for axis in (1, 0))
            self.boxes.append((self.slices, rows[0], rows[-1], columns[0], columns[-1]))
        inside = self._foreground(sample.mask)
        inside = inside if valid is None else inside & valid.all(-1)
        self.values.append(image[inside & nonzero][:: self.step].astype(np.float32))
        places = np.argwhere(inside & ~nonzero)[:: self.step]
        self.zeros.append(np.insert(places, 0, self.slices, axis=1).astype(np.int32))
        self.slices += 1

    def _foreground(self, mask: NDArray[Any]) -> NDArray[np.bool_]:
        """The pixels (h, w) that have a class beside the first, or any of classes that may overlap."""
        if mask.ndim == 3:
            return np.asarray((mask == 1).any(0))
        return np.asarray((mask > 0) & (mask != UNKNOWN))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns of the box around all that is not 0; of the whole if all is 0."""
        first, last = self._corners
        slices, rows, columns = (last - first + 1).tolist()
        return slices, rows, columns

    @property
    def _corners(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first and the last slice, row and column of that box."""
        if not self.boxes:
            return np.zeros(3, np.int64), np.array(self.whole) - 1
        boxes = np.array(self.boxes)
        return boxes[:, (0, 1, 3)].min(0), boxes[:, (0, 2, 4)].max(0)

    @property
    def whole(self) -> tuple[int, int, int]:
        """Slices, rows and columns with the margin of zeros."""
        return self.slices, *self.plane

    @property
    def foreground(self) -> NDArray[np.float32]:
        """The values (n, channels) that were kept of the foreground in that box."""
        first, last = self._corners
        places = np.concatenate(self.zeros)
        count = ((first <= places) & (places <= last)).all(1).sum()
        return np.concatenate([*self.values, np.zeros((count, self.values[0].shape[1]), np.float32)])
