"""Outlines of objects over their image."""

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import Colors
from unetzoo.objects.ids import inner_edges

_SHORTEST = 1024  # pixels of the longer side of a picture
_WIDEST = 3  # pixels of a line
_RIM = (0, 0, 0)


def overlay(image: Colors, ids: NDArray[np.integer], colors: Colors) -> Colors:
    """An image with a line along the inner edge of each object; a small image is enlarged to at least 1024 pixels.

    Lines of enlarged images are wider and have a dark rim, so that they show on bright objects, too.

    Args:
        image: (h, w, 3).
        ids: number of each pixel's object (h, w), from 1; 0: none.
        colors: (n, 3); the object i has the color `i % n`.
    """
    scale = -(-_SHORTEST // max(ids.shape))
    large = ids.astype(np.int32).repeat(scale, 0).repeat(scale, 1)
    picture = image.repeat(scale, 0).repeat(scale, 1)
    width = min(scale, _WIDEST)
    if scale > width:
        picture[inner_edges(large, width + 1)] = _RIM
    edges = inner_edges(large, width)
    picture[edges] = colors[large[edges] % len(colors)]
    return picture
