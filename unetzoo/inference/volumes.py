"""Predict a volume by a 2D network, slice by slice, or by a network over three axes, block by block."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from unetzoo.checks import check_choice
from unetzoo.data.formats.array import raster_of
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.raster import Raster
from unetzoo.errors import DataWarning
from unetzoo.inference.choices import Axes, Resample
from unetzoo.inference.forward import Network, Probabilities
from unetzoo.inference.seen import seen_volume
from unetzoo.inference.slices import SliceTiling


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
    resample: Resample = "auto",
) -> Probabilities:
    """The probability of each class at each voxel of a volume.

    A network over three axes, of `create` with `spatial_dims=3`, sees blocks of it, whose predictions are blended as
    those of tiles. A 2D network sees its slices: one of three or five times the channels of the volume sees each slice
    between its neighbors, as in a training on volumes (`fit` with `slices`); those beyond the ends repeat the last one.

    Args:
        model: a network of classes, of `create`, `load`, `pull` or `optimize`, in evaluation mode, or an `Ensemble`.
        volume: (d, h, w) or (d, h, w, c), an array; or a `Raster` of `open_raster`, of which slices are read.
        axes: along which slices are predicted: `"z"`, `"y"` or `"x"`, or several, whose probabilities are averaged,
            such as `"z,x"`, or `"all"`, which suits voxels about as long as wide. None: as in the training; without a
            training on volumes the axis with the largest step. Not for networks over three axes.
        spacing: of an array, the distance of neighboring voxels along each axis, in any unit; a raster says it itself.
        tile: as in `unetzoo.predict`, of a slice or of a volume.
        overlap: as in `unetzoo.predict`.
        batch: as in `unetzoo.predict`.
        mirrors: as in `unetzoo.predict`.
        resample: as in `unetzoo.PredictOptions`, of a raster, whose file states a unit of length.

    Returns:
        (classes, d, h, w), each from 0 to 1; NaN where there are no data.

    Raises:
        ShapeError: the volume has other axes, or other channels than the network takes.
        OptionError: the network has objects; an option is out of its range, or is not for this network.
        DataError: the memory does not suffice.
    """
    raster = volume if isinstance(volume, Raster) else raster_of(volume, spacing)
    check_choice("resample", resample, Resample)
    tiling = SliceTiling(tile=tile, overlap=overlap, batch=batch, mirrors=mirrors, resample=resample)
    seen = seen_volume(model, raster, axes, tiling)
    check_memory("a volume's probabilities", 4 * seen.config.classes * int(np.prod(raster.shape[:3], dtype=object)))
    for doubt in seen.doubts:
        warnings.warn(f"the volume: {doubt}", DataWarning, stacklevel=2)
    return seen.mean_probabilities(np.zeros)
