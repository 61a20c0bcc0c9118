"""Predict a volume by a 2D network, slice by slice."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import number
from unetzoo.data.formats.grid import Axis, Grid
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.raster import Raster, Window
from unetzoo.errors import DataWarning, OptionError, ShapeError
from unetzoo.inference.choices import Axes
from unetzoo.inference.forward import Network, Probabilities
from unetzoo.inference.slices import SeenVolume, SliceTiling


def predict_volume(
    model: Network,
    volume: Any,  # noqa: ANN401 - an array, or what can be sliced like one, or a raster
    *,
    axes: Axes | None = None,
    spacing: Sequence[float] = (),
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    mirrors: int = 1,
) -> Probabilities:
    """The probability of each class at each voxel, by a 2D network on the slices of a volume.

    A network of three or five times the channels of the volume sees each slice between its neighbors, as in a training
    on volumes (`fit` with `slices`); those beyond the ends repeat the last one.

    Args:
        model: a network of classes, of `create`, `load`, `pull` or `optimize`, in evaluation mode, or an `Ensemble`.
        volume: (d, h, w) or (d, h, w, c), an array; or a `Raster` of `open_raster`, of which slices are read.
        axes: along which slices are predicted: `"z"`, `"y"` or `"x"`, or several, whose probabilities are averaged,
            such as `"z,x"`, or `"all"`, which suits voxels about as long as wide. None: as in the training; without a
            training on volumes the axis with the largest step.
        spacing: of an array, the distance of neighboring voxels along each axis, in any unit; a raster says it itself.
        tile: as in `unetzoo.predict`, of a slice.
        overlap: as in `unetzoo.predict`.
        batch: as in `unetzoo.predict`.
        mirrors: as in `unetzoo.predict`.

    Returns:
        (classes, d, h, w), each from 0 to 1; NaN where there are no data.

    Raises:
        ShapeError: the volume has other axes, or other channels than the network takes.
        OptionError: the network has objects; an option is out of its range.
        DataError: the memory does not suffice.
    """
    raster = volume if isinstance(volume, Raster) else _raster_of(volume, spacing)
    seen = SeenVolume(model, raster, axes, SliceTiling(tile=tile, overlap=overlap, batch=batch, mirrors=mirrors))
    check_memory("a volume's probabilities", 4 * seen.config.classes * int(np.prod(raster.shape[:3], dtype=object)))
    for doubt in seen.doubts:
        warnings.warn(f"the volume: {doubt}", DataWarning, stacklevel=2)
    return seen.mean_probabilities(np.zeros)


def _raster_of(volume: Any, spacing: Sequence[float]) -> Raster:  # noqa: ANN401 - whatever can be sliced
    """An array (d, h, w) or (d, h, w, c) as a raster."""
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
