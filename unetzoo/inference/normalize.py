"""Normalize images with the mean and std of the training data, or as the network's `normalization` says."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.moments import MomentsOf, moments_of
from unetzoo.data.formats.nodata import valid_values
from unetzoo.data.formats.resample import Limits
from unetzoo.errors import DataWarning, OptionError
from unetzoo.inference.scale import scaling_of
from unetzoo.nn.ensemble import Ensemble, Member, members_of
from unetzoo.nn.info import ModelInfo, steps_for
from unetzoo.nn.normalization import NONZERO, Moments, is_relative, limits_of

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Normalize:
    """Normalize a block (h, w) or (h, w, c) of an image to (c, h, w); pixels without data become 0.

    A block (d, h, w, c) of a volume becomes (c, d, h, w).

    Attributes:
        info: of the network.
        factor: by which values are multiplied first, see `unetzoo.inference.scale.Scaling`.
        moments: of the whole image of which blocks are parts, where the normalization needs them.
    """

    info: ModelInfo
    factor: float = 1.0
    moments: Moments | None = None

    def __call__(self, block: NDArray[Any]) -> Values:
        """The normalized values.

        Raises:
            OptionError: the block holds infinity.
        """
        pixels = block[..., None] if block.ndim == 2 else block
        valid = valid_values(pixels, self.info.nodata)
        with np.errstate(over="ignore", invalid="ignore"):  # the check below reports values too large for float32
            values: Values = np.moveaxis(np.ma.getdata(pixels), -1, 0).astype(np.float32, order="C")
        missing = None if valid is None else ~np.moveaxis(valid, -1, 0)
        if missing is not None:
            values[missing] = 0
        if block.dtype.kind not in "bui" and not np.isfinite(values.sum(dtype=np.float64)):
            raise OptionError("the image holds infinity; replace it, for instance by numpy.nan_to_num")
        steps = steps_for(self.info, block.dtype, self.moments, factor=self.factor)
        low, high, shift, scale = (each.reshape(-1, *(1,) * (pixels.ndim - 1)).astype(np.float32) for each in steps)
        empty = self._empty(values)
        if steps.clips:
            np.clip(values, low, high, out=values)
        if (shift != 0).any():
            values -= shift
        if (scale != 1).any():
            values *= scale
        if missing is not None:
            values[missing] = 0
        if empty is not None:
            values[empty] = 0
        return values

    @property
    def limits(self) -> Limits | None:
        """The values to which an image is cut before it is resampled, if it is."""
        return limits_of(self.info.normalization, factor=self.factor)

    def _empty(self, values: Values) -> NDArray[np.bool_] | None:
        """Where values (c, h, w) stay 0, since all channels are, of each slice if they are those of several."""
        kinds, moments = self.info.normalization, self.moments
        if NONZERO not in kinds or moments is None:
            return None
        slices = values.reshape(-1, len(moments.mean), *values.shape[1:])
        stay = np.array([kinds[number % len(kinds)] == NONZERO for number in range(len(values))])
        empty = np.broadcast_to(~slices.any(axis=1, keepdims=True), slices.shape).reshape(values.shape)
        kept: NDArray[np.bool_] = empty & stay.reshape(-1, *(1,) * (values.ndim - 1))
        return kept


def normalizations_of(
    image: Any,  # noqa: ANN401 - whatever can be sliced
    network: Member | Ensemble,
    *,
    name: str = "the image",
    whole: MomentsOf | None = None,
) -> tuple[Normalize, ...]:
    """What normalizes the parts of an image for each network of an ensemble, or for a single one.

    Warns, with its name, if its values are unlike those of the training. `whole` gives the moments of that of which it
    is a part.
    """
    normalizations, doubts = scaled_for(image, network, whole)
    for doubt in doubts:
        warnings.warn(f"{name}: {doubt}", DataWarning, stacklevel=2)
    return normalizations


def scaled_for(
    image: Any,  # noqa: ANN401 - as above
    network: Member | Ensemble,
    whole: MomentsOf | None = None,
) -> tuple[tuple[Normalize, ...], tuple[str, ...]]:
    """As `normalizations_of`, with the doubts, at most one, instead of warnings."""
    nodata = network.config.info.nodata
    infos = [replace(member.config.info, nodata=nodata) for member in members_of(network)]
    moments = None
    if any(any(map(is_relative, info.normalization)) for info in infos):
        moments = (whole and whole(nodata)) or moments_of(image, nodata, axes=network.config.spatial_dims)
    scalings = [scaling_of(image, info) for info in infos]
    doubts = [scaling.doubt for scaling in scalings if scaling.doubt]
    normalizations = (Normalize(info, scaling.factor, moments) for info, scaling in zip(infos, scalings, strict=True))
    return tuple(normalizations), tuple(doubts[:1])
