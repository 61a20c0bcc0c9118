"""Otsu's threshold, the baseline without a network (Otsu 1979, doi:10.1109/TSMC.1979.4310076)."""

import numpy as np
from numpy.typing import NDArray


def otsu_threshold(image: NDArray[np.uint8]) -> int:
    """The brightness that splits an image's pixels best into a dark and a bright class.

    It has the highest variance between the classes (Otsu's eq. 14, here times the squared number of pixels, which does
    not move the maximum); the darkest of them when several have.

    Args:
        image: brightness of any shape, 0 to 255.

    Returns:
        0 to 255; brighter pixels are foreground. The brightness itself when all pixels have the same.
    """
    counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    brightness = counts * np.arange(256)
    dark, dark_sum = counts.cumsum(), brightness.cumsum()
    bright, bright_sum = dark[-1] - dark, dark_sum[-1] - dark_sum
    both = (dark > 0) & (bright > 0)
    if not both.any():
        return int(image.flat[0])
    distance = np.zeros(256)
    distance[both] = dark_sum[both] / dark[both] - bright_sum[both] / bright[both]
    return int(np.argmax(dark * bright * distance**2))
