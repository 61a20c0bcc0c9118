"""Normalize images with the mean and std of the training data."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import valid_values
from unetzoo.errors import DataWarning, OptionError
from unetzoo.inference.scale import scaling_of
from unetzoo.nn.info import ModelInfo, affine

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Normalize:
    """Normalize a block (h, w) or (h, w, c) of an image to (c, h, w); pixels without data become 0, the training mean.

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
        pixels = block if block.ndim == 3 else block[..., None]
        valid = valid_values(pixels, self.info.nodata)
        with np.errstate(over="ignore", invalid="ignore"):  # the check below reports values too large for float32
            values: Values = np.ma.getdata(pixels).transpose(2, 0, 1).astype(np.float32, order="C")
        if valid is not None:
            values[~valid.transpose(2, 0, 1)] = 0
        if block.dtype.kind not in "bui" and not np.isfinite(values.sum(dtype=np.float64)):
            raise OptionError("the image holds infinity; replace it, for instance by numpy.nan_to_num")
        shift, scale = affine(self.info, block.dtype)
        shift, scale = (shift / self.factor).astype(np.float32), (scale * self.factor).astype(np.float32)
        if (shift != 0).any():
            values -= shift
        if (scale != 1).any():
            values *= scale
        if valid is not None:
            values[~valid.transpose(2, 0, 1)] = 0
        return values


def normalization_of(image: Any, info: ModelInfo, *, name: str = "the image") -> Normalize:  # noqa: ANN401 - whatever can be sliced
    """What normalizes the parts of an image; warns, with its name, if its values are unlike those of the training."""
    scaling = scaling_of(image, info)
    if scaling.doubt:
        warnings.warn(f"{name}: {scaling.doubt}", DataWarning, stacklevel=2)
    return Normalize(info, scaling.factor)
