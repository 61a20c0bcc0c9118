"""Which values of an image are data: not NaN, not masked, and not a value that stands for no data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

_FEW = 4


def valid_values(pixels: NDArray[Any], nodata: Sequence[float] = ()) -> NDArray[np.bool_] | None:
    """Where an array holds data, in its shape; None: everywhere.

    Args:
        pixels: of any shape; NaN and the masked values of a masked array are no data.
        nodata: values that stand for no data; those that the array's type cannot hold are left out.
    """
    values = np.ma.getdata(pixels)
    invalid = [np.ma.getmaskarray(pixels)] if np.ma.is_masked(pixels) else []
    if values.dtype.kind == "f":
        with np.errstate(all="ignore"):
            if np.isnan(values.sum(dtype=np.float64)):
                invalid.append(np.isnan(values))
    invalid += [values == value for value in _in_type(nodata, values.dtype)]
    if not any(where.any() for where in invalid):
        return None
    valid: NDArray[np.bool_] = ~np.logical_or.reduce(invalid)
    return valid


def with_data(pixels: NDArray[Any], nodata: Sequence[float] = ()) -> NDArray[np.bool_] | None:
    """The pixels (h, w) of an image (h, w) or (h, w, c) that hold data in at least one channel; None: all.

    Of a volume (d, h, w, c) the voxels (d, h, w).
    """
    valid = valid_values(pixels, nodata)
    if valid is None:
        return None
    pixelwise = np.asarray(valid.any(axis=-1) if valid.ndim > 2 else valid)
    return None if pixelwise.all() else pixelwise


def known_where_data(
    image: NDArray[Any], mask: NDArray[np.integer], nodata: Sequence[float] = ()
) -> NDArray[np.integer]:
    """A mask (h, w), or planes (classes, h, w), with unknown class where its image (h, w, c) holds no data."""
    data = with_data(image, nodata)
    return mask if data is None else np.where(data, mask.astype(np.int64), UNKNOWN)


def masked_as(pixels: NDArray[Any]) -> tuple[float, ...]:
    """The values that a masked array masks, which stand for no data; empty if they are many or NaN."""
    if not np.ma.is_masked(pixels):
        return ()
    values = np.unique(np.ma.getdata(pixels)[np.ma.getmaskarray(pixels)])
    return tuple(map(float, values)) if len(values) <= _FEW and np.isfinite(values).all() else ()


def masked_values(pixels: NDArray[Any], nodata: Sequence[float]) -> NDArray[Any]:
    """The array, masked where it holds a value that stands for no data; the array itself if it holds none."""
    matches = [pixels == value for value in _in_type(nodata, pixels.dtype)]
    if not any(where.any() for where in matches):
        return pixels
    masked: NDArray[Any] = np.ma.array(pixels, mask=np.logical_or.reduce(matches))
    return masked


def _in_type(nodata: Sequence[float], dtype: np.dtype[Any]) -> list[Any]:
    """The values that an array of this type can hold, in its type."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return [dtype.type(value) for value in nodata]
    if dtype.kind not in "iu":
        return []
    limits = np.iinfo(dtype)
    return [dtype.type(value) for value in nodata if float(value).is_integer() and limits.min <= value <= limits.max]
