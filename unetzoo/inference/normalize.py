"""Normalize images with the mean and std of the training data."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import valid_values
from unetzoo.errors import DataWarning, OptionError
from unetzoo.inference.scale import scaling_of
from unetzoo.nn.ensemble import Ensemble, Member, members_of
from unetzoo.nn.info import ModelInfo, affine

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Normalize:
    """Normalize a block (h, w) or (h, w, c) of an image to (c, h, w); pixels without data become 0, the training mean.

    A block (d, h, w, c) of a volume becomes (c, d, h, w).

    Attributes:
        info: of the network.
        factor: by which values are multiplied first, see `unetzoo.inference.scale.Scaling`.
    """

    info: ModelInfo
    factor: float = 1.0

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
        shift, scale = (each.reshape(-1, *(1,) * (pixels.ndim - 1)) for each in affine(self.info, block.dtype))
        shift, scale = (shift / self.factor).astype(np.float32), (scale * self.factor).astype(np.float32)
        if (shift != 0).any():
            values -= shift
        if (scale != 1).any():
            values *= scale
        if missing is not None:
            values[missing] = 0
        return values


def normalizations_of(
    image: Any,  # noqa: ANN401 - whatever can be sliced
    network: Member | Ensemble,
    *,
    name: str = "the image",
) -> tuple[Normalize, ...]:
    """What normalizes the parts of an image for each network of an ensemble, or for a single one.

    Warns, with its name, if its values are unlike those of the training.
    """
    normalizations, doubts = scaled_for(image, network)
    for doubt in doubts:
        warnings.warn(f"{name}: {doubt}", DataWarning, stacklevel=2)
    return normalizations


def scaled_for(image: Any, network: Member | Ensemble) -> tuple[tuple[Normalize, ...], tuple[str, ...]]:  # noqa: ANN401 - as above
    """As `normalizations_of`, with the doubts, at most one, instead of warnings."""
    nodata = network.config.info.nodata
    infos = [replace(member.config.info, nodata=nodata) for member in members_of(network)]
    scalings = [scaling_of(image, info) for info in infos]
    doubts = [scaling.doubt for scaling in scalings if scaling.doubt]
    normalizations = (Normalize(info, scaling.factor) for info, scaling in zip(infos, scalings, strict=True))
    return tuple(normalizations), tuple(doubts[:1])
