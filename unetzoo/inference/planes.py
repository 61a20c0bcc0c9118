"""The axis of classes before or behind those of space."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def planes_last(values: NDArray[Any], space: int) -> NDArray[Any]:
    """Values of so many axes of space with the planes behind these, if they have planes before them; a view."""
    return np.moveaxis(values, 0, -1) if values.ndim > space else values


def planes_first(values: NDArray[Any], space: int) -> NDArray[Any]:
    """The inverse of `planes_last`."""
    return np.moveaxis(values, -1, 0) if values.ndim > space else values
