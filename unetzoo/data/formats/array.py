"""A volume in memory as a raster."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import number
from unetzoo.data.formats.grid import Axis, Grid
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.raster import Raster, Window
from unetzoo.errors import OptionError, ShapeError


def raster_of(volume: Any, spacing: Sequence[float] = ()) -> Raster:  # noqa: ANN401 - whatever can be sliced
    """An array (d, h, w) or (d, h, w, c), or what can be sliced like one, as a raster.

    Args:
        volume: the array.
        spacing: distance of neighboring voxels along d, h and w; empty: not known.

    Raises:
        ShapeError: it has other axes.
        OptionError: the distances are not three numbers > 0.
    """
    shape = tuple(getattr(volume, "shape", ()))
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise ShapeError(f"a volume is (d, h, w) or (d, h, w, c), got {shape or type(volume).__name__}")
    steps = [number(step) for step in spacing]
    if steps and (len(steps) != 3 or not all(step and 0 < step < np.inf for step in steps)):
        raise OptionError(f"spacing must be three distances > 0, along d, h and w; got {spacing!r}")
    axes = tuple(Axis(name, step) for name, step in zip(AXES, steps, strict=True)) if steps else ()

    def read(window: Window) -> NDArray[Any]:
        part: NDArray[Any] = np.asanyarray(volume[window])
        return part.reshape(*part.shape[:3], -1)

    shape = shape if len(shape) == 4 else (*shape, 1)
    return Raster(shape=shape, dtype=np.dtype(volume.dtype), read=read, grid=Grid(axes=axes))
