"""Fill the holes of objects."""

import numpy as np

from unetzoo.objects.ids import Numbers


def fill_holes(objects: Numbers) -> Numbers:
    """Objects (h, w) without the holes that one object alone surrounds; a hole that holds another object stays open."""
    from scipy.ndimage import label, maximum_filter, minimum_filter

    holes, count = label(objects == 0, output=np.int32)  # connected over edges: corners of an object close them
    beyond = int(objects.max(initial=0)) + 1
    neighbors = np.where(objects > 0, objects, beyond)
    lowest, highest = np.full(count + 1, beyond), np.zeros(count + 1, np.int64)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    np.minimum.at(lowest, holes, minimum_filter(neighbors, footprint=cross, mode="nearest"))
    np.maximum.at(highest, holes, maximum_filter(objects, footprint=cross, mode="nearest"))
    closed = lowest == highest
    for border in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        closed[border] = False
    closed[0] = False
    return np.where(closed[holes], lowest[holes], objects).astype(np.int32)
