"""Masks and images as colours."""

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import FALSE_NEGATIVE, FALSE_POSITIVE, FOREGROUND, HIT, NOTHING, Colors
from unetzoo.data.datasets.picture import fit_normalisation
from unetzoo.demo.scores import Mask

Color = tuple[int, int, int]

_GAMMA = 0.6  # lightens the dim nuclei


def image_panel(image: NDArray[np.uint8]) -> Colors:
    """An image (h, w) in grey (h, w, 3), stretched and lightened to be looked at."""
    grey = fit_normalisation(image)(image).clip(0, 1) ** _GAMMA
    return np.repeat((255 * grey).round().astype(np.uint8)[..., None], 3, axis=-1)


def mask_panel(mask: Mask) -> Colors:
    """A mask (h, w) as colours (h, w, 3), nuclei light."""
    return np.where(mask[..., None], _color(FOREGROUND), _color(NOTHING))


def error_panel(predicted: Mask, truth: Mask) -> Colors:
    """Where a prediction (h, w) errs, (h, w, 3): `FALSE_POSITIVE`, `FALSE_NEGATIVE`, `HIT`, or `NOTHING`."""
    found = np.array([[NOTHING, FALSE_NEGATIVE], [FALSE_POSITIVE, HIT]], dtype=np.uint8)
    colors: Colors = found[predicted.astype(np.intp), truth.astype(np.intp)]
    return colors


def _color(color: Color) -> Colors:
    return np.array(color, dtype=np.uint8)
