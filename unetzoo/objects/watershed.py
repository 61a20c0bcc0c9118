"""Grow seeds until they meet."""

import numpy as np
from numpy.typing import NDArray

from unetzoo.objects.ids import Mask, Numbers, label_components


def flood(height: NDArray[np.float32], seeds: Numbers, inside: Mask) -> Numbers:
    """Each pixel's object (h, w), or (d, h, w): that of the seed whose flood reaches it first.

    Args:
        height: (h, w), low in the middle of objects; a pixel is flooded from its eight neighbors, a voxel from its 26.
        seeds: (h, w), numbers of the objects where they are sure, else 0.
        inside: (h, w), the pixels of all objects. Those that no seed reaches are objects of their own, one for each
            component.
    """
    from skimage.segmentation import watershed

    levels = _levels(height, seeds > 0, inside)
    objects: Numbers = watershed(levels, seeds, mask=inside, connectivity=height.ndim).astype(np.int32, copy=False)
    rest = label_components(inside & (objects == 0))
    return np.where(rest > 0, rest + seeds.max(initial=0), objects)


def _levels(height: NDArray[np.float32], is_seed: Mask, inside: Mask) -> NDArray[np.float64]:
    """Whole numbers (h, w) in the order of heights, no two of which are equal in seeds.

    The order in which scikit-image floods from pixels of seeds that have one height depends on the whole image. Here
    they follow one another from top to bottom and left to right, so that a part of the image has the same objects.
    """
    seeds, others = inside & is_seed, inside & ~is_seed
    heights = np.concatenate([height[seeds], height[others]])
    order = heights.argsort(kind="stable")
    ascending = heights[order]
    ends = np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True)) if len(order) else order
    last = np.repeat(ends, np.diff(ends, prepend=-1))  # of those with the same height
    places = np.empty(len(order))
    places[order] = np.where(order < seeds.sum(), np.arange(len(order)), last)
    levels = np.zeros(height.shape)
    levels[seeds], levels[others] = np.split(places, [seeds.sum()])
    return levels
