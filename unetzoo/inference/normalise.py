"""Give a network pixels as it was trained on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import OptionError
from unetzoo.info import ModelInfo

Values = NDArray[np.float32]


def normalised(block: NDArray[Any], info: ModelInfo) -> Values:
    """A block (h, w) or (h, w, c) as the network was trained on it, (c, h, w).

    Raises:
        OptionError: it holds NaN or infinity.
    """
    whole = block if block.ndim == 3 else block[..., None]
    with np.errstate(over="ignore", invalid="ignore"):  # of what is too large for float32, the check below tells
        values: Values = whole.transpose(2, 0, 1).astype(np.float32, order="C")
    if block.dtype.kind not in "bui" and not np.isfinite(values.sum(dtype=np.float64)):
        raise OptionError("the image holds NaN or infinity; replace them, for instance by numpy.nan_to_num")
    mean, deviation = (np.asarray(given, np.float64).reshape(-1, 1, 1) for given in (info.mean or [0], info.std or [1]))
    low, high = info.value_range or (0, np.iinfo(block.dtype).max if block.dtype.kind in "ui" else 1)
    shift, scale = low + mean * (high - low), 1 / ((high - low) * deviation)
    if (shift != 0).any():
        values -= shift.astype(np.float32)
    if (scale != 1).any():
        values *= scale.astype(np.float32)
    return values
