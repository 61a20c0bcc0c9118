"""The head of the ICBM152 template as a volume (extra `brain`), cut into slabs from the back to the front."""

from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import unetzoo
from unetzoo.data.datasets.brain_tissue import CLASSES, load_template

_EVERY = 2  # voxels of 1 mm
_MARGIN = 3  # voxels around the head
_SHARES = {"train": (0.0, 0.5), "val": (0.5, 0.6), "test": (0.6, 1.0)}  # of the way to the front

Split = Literal["train", "val", "test"]


class Slab(unetzoo.Dataset):
    """The part of the head (d, h, w, 1) that a split has, with its classes; slabs lie one behind the other along h."""

    def __init__(self, split: Split) -> None:
        super().__init__(CLASSES)
        image, classes = head()
        first, last = (round(share * image.shape[1]) for share in _SHARES[split])
        self.sample = unetzoo.Sample(image[:, first:last, :, None], classes[:, first:last], f"ICBM152, {split}")

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> unetzoo.Sample:
        return (self.sample,)[index]


@cache
def head() -> tuple[NDArray[Any], NDArray[Any]]:
    """Image and classes (down-up, back-front, left-right) in voxels of 2 mm, without what is empty around the head."""
    template, tissues, _ = load_template()
    image, classes = (part[::_EVERY, ::_EVERY, ::_EVERY].transpose(2, 1, 0) for part in (template, tissues))
    sides = [np.flatnonzero(image.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    window = tuple(slice(max(0, side[0] - _MARGIN), side[-1] + 1 + _MARGIN) for side in sides)
    return image[window], classes[window].astype(np.uint8)
