"""Images of any type, range and channels as colors."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import Colors
from unetzoo.data.formats.nodata import valid_values

_BULK = (1, 50, 99)  # percent of the values; beyond the first and the last they are outliers


class Contrast(NamedTuple):
    """The values of an image that are shown as black and as white, and the one that is shown where there is no data."""

    black: float
    white: float
    missing: float


def image_colors(image: NDArray[Any]) -> Colors:
    """An image (h, w, channels) of any range as colors (h, w, 3): three channels, or the first one as gray."""
    return as_colors(image, contrast_of(image))


def contrast_of(image: NDArray[Any]) -> Contrast:
    """How to show an image (h, w, channels), found in it or in a part of it."""
    shown = _shown(image)
    valid = valid_values(shown)
    values = np.ma.getdata(shown).astype(np.float32)
    known = values.reshape(-1) if valid is None else values[valid]
    if not known.size:
        return Contrast(0, 0, 0)
    black, middle, white = np.percentile(known, _BULK).tolist()
    return Contrast(black, white, middle)


def as_colors(image: NDArray[Any], contrast: Contrast) -> Colors:
    """An image (h, w, channels) as colors (h, w, 3)."""
    shown = _shown(image)
    valid = valid_values(shown)
    values = np.ma.getdata(shown).astype(np.float32)
    if valid is not None:
        values[~valid] = contrast.missing
    span = max(contrast.white - contrast.black, float(np.finfo(np.float32).tiny))
    with np.errstate(over="ignore"):  # of outliers beside a single value, which are white, or black below it
        gray = ((values - contrast.black) / span).clip(0, 1)
    colors: Colors = np.broadcast_to((255 * gray).round().astype(np.uint8), (*gray.shape[:2], 3))
    return colors


def _shown(image: NDArray[Any]) -> NDArray[Any]:
    return image if image.shape[2] == 3 else image[..., :1]
