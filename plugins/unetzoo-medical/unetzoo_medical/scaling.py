"""Values that a file stores with a slope and an intercept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT = 2  # bytes of whole numbers that float32 can hold


@dataclass(frozen=True)
class Scaling:
    """What the stored values mean: `slope * value + intercept`.

    Attributes:
        dtype: of the meant values: whole numbers if slope and intercept are, else float32, or float64 where that is too
            coarse.
        apply: brings stored values there.
    """

    dtype: np.dtype[Any]
    apply: Callable[[NDArray[Any]], NDArray[Any]]


def scaling_of(stored: np.dtype[Any], slope: float = 1.0, intercept: float = 0.0, *, bits: int = 0) -> Scaling:
    """The scaling of values of a type.

    Args:
        stored: their type.
        slope: not 0.
        intercept: as above.
        bits: number of bits that they use; 0: all.
    """
    native = stored.newbyteorder("=")
    if (slope, intercept) == (1.0, 0.0):
        return Scaling(native, lambda values: values.astype(native, copy=False))
    dtype = _whole(native, slope, intercept, bits) or _fraction(native)
    exact = np.dtype(np.int64) if dtype.kind == "i" else dtype

    def apply(values: NDArray[Any]) -> NDArray[Any]:
        return (values.astype(exact) * exact.type(slope) + exact.type(intercept)).astype(dtype, copy=False)

    return Scaling(dtype, apply)


def _fraction(stored: np.dtype[Any]) -> np.dtype[Any]:
    is_small = stored.itemsize <= _EXACT or stored == np.float32
    return np.dtype(np.float32 if is_small else np.float64)


def _whole(stored: np.dtype[Any], slope: float, intercept: float, bits: int) -> np.dtype[Any] | None:
    """The smallest type of signed whole numbers that holds all scaled ones; None: they are not whole."""
    if stored.kind not in "iu" or not (float(slope).is_integer() and float(intercept).is_integer()):
        return None
    least, most = _limits(stored, bits)
    ends = [slope * end + intercept for end in (least, most)]
    fitting = (np.dtype(f"i{size}") for size in (2, 4) if np.iinfo(f"i{size}").min <= min(ends))
    return next((dtype for dtype in fitting if max(ends) <= np.iinfo(dtype).max), None)


def _limits(stored: np.dtype[Any], bits: int) -> tuple[int, int]:
    count = bits or 8 * stored.itemsize
    return (0, 2**count - 1) if stored.kind == "u" else (-(2 ** (count - 1)), 2 ** (count - 1) - 1)
