"""Give a network pixels as it was trained on them."""

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
    """Makes of a block (h, w) or (h, w, c) of an image what the network was trained on, (c, h, w).

    What holds no data becomes 0, the mean of the training.

    Attributes:
        info: of the network.
        factor: by which values are multiplied before, see `unetzoo.inference.scale.Scaling`.
    """

    info: ModelInfo
    factor: float = 1.0

    def __call__(self, block: NDArray[Any]) -> Values:
        """The values.

        Raises:
            OptionError: the block holds infinity.
        """
        whole = block if block.ndim == 3 else block[..., None]
        valid = valid_values(whole, self.info.nodata)
        with np.errstate(over="ignore", invalid="ignore"):  # of what is too large for float32, the check below tells
            values: Values = np.ma.getdata(whole).transpose(2, 0, 1).astype(np.float32, order="C")
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


def normalization_of(image: Any, info: ModelInfo) -> Normalize:  # noqa: ANN401 - whatever can be sliced
    """What makes of the parts of an image what the network was trained on; warns where that is in doubt."""
    scaling = scaling_of(image, info)
    if scaling.doubt:
        warnings.warn(f"the image: {scaling.doubt}", DataWarning, stacklevel=2)
    return Normalize(info, scaling.factor)


def normalized(image: NDArray[Any], info: ModelInfo) -> Values:
    """A whole image (h, w) or (h, w, c) as the network was trained on it, (c, h, w).

    Raises:
        OptionError: it holds infinity.
    """
    return normalization_of(image, info)(image)
