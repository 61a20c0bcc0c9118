"""Grow seeds until they meet."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import Numbers, label_components


def flood(height: NDArray[np.float32], seeds: Numbers, inside: NDArray[np.bool_]) -> Numbers:
    """Each pixel's object (h, w): that of the seed whose flood reaches it first.

    Args:
        height: (h, w), low in the middle of objects; a pixel is flooded from its eight neighbors.
        seeds: (h, w), numbers of the objects where they are sure, else 0.
        inside: (h, w), the pixels of all objects. Those that no seed reaches are objects of their own, one for each
            component.
    """
    from skimage.segmentation import watershed

    objects: Numbers = watershed(height, seeds, mask=inside, connectivity=2).astype(np.int32, copy=False)
    rest = label_components(inside & (objects == 0))
    return np.where(rest > 0, rest + seeds.max(initial=0), objects)
