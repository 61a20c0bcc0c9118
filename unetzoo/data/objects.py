"""The objects of a sample: which pixel belongs to which one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.errors import DataError
from unetzoo.nn.coding import UNKNOWN

_MOST = 2**24  # numbers that float32, with which masks are deformed, tells apart


def object_ids(dataset: Dataset, index: int, mask: NDArray[np.integer]) -> NDArray[np.int32]:
    """The number of each pixel's object; 0 is background, -1 where the class is not known.

    Where masks do not number objects, the connected components of each class but the first, the background, are
    objects, over edges and corners.

    Args:
        dataset: of the sample.
        index: of the sample.
        mask: its class ids (h, w), of a volume (d, h, w).

    Raises:
        DataError: the numbers are not of the mask's shape.
    """
    numbers = dataset.instances(index)
    if numbers is not None and numbers.shape != mask.shape:
        raise DataError(f"sample {index}: the numbers of its objects are {numbers.shape}, its mask is {mask.shape}")
    objects = _components(mask) if numbers is None else _small(np.asarray(numbers))
    return np.where(mask == UNKNOWN, np.int32(-1), objects)


def numbers_objects(dataset: Dataset) -> bool:
    """Whether the masks of a data set number objects, as far as its first sample tells."""
    return bool(len(dataset)) and dataset.instances(0) is not None


def _components(mask: NDArray[np.integer]) -> NDArray[np.int32]:
    from skimage.measure import label

    known = np.where(mask == UNKNOWN, 0, mask)
    objects: NDArray[np.int32] = label(known, background=0, connectivity=mask.ndim).astype(np.int32, copy=False)
    return objects


def _small(numbers: NDArray[Any]) -> NDArray[np.int32]:
    """The numbers, exchanged for smaller ones where they are too large, such as colors."""
    if numbers.min(initial=0) >= 0 and numbers.max(initial=0) < _MOST:
        return numbers.astype(np.int32)
    present, places = np.unique(numbers, return_inverse=True)
    ranks = np.cumsum(present != 0) * (present != 0)
    objects: NDArray[np.int32] = ranks[places.reshape(numbers.shape)].astype(np.int32)
    return objects
