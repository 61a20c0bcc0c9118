"""Bring the values of an image to the scale of the training data, or say why they are unlike them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import valid_values
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.normalization import is_relative

_BYTE, _WORD = 255, 65535
_SAMPLE = 2**18  # values
_WINDOWS, _SIDES = 3, {2: 128, 3: 24}  # along each axis of an image that is read by parts; pixels of each
_BULK = (1, 99)  # percent of the values, between which outliers do not count
_OUTLIER = 10  # widths of the training range, beyond which a single value is not a measurement, such as -9999
_FLAT = 4  # an image may be on another scale if its deviation is smaller than that of the training by this factor
_SMALL = 16  # or if its largest value is smaller by this factor
_USED = 4  # 16-bit values that use less than 1 / _USED of their range were hardly converted from 8 bits
_USUAL_STD = 0.25  # of values from 0 to 1, where it is not known


@dataclass(frozen=True)
class Scaling:
    """How the values of an image are rescaled before they are normalized.

    Attributes:
        factor: multiplies the values.
        doubt: why the values are unlike the training data; empty: they are not.
    """

    factor: float = 1.0
    doubt: str = ""


@dataclass(frozen=True)
class Values:
    """Summary of the values of an image, or of all training images.

    Attributes:
        types: of the values, all floating types as `"float"`; empty: unknown.
        low: the smallest.
        high: the largest.
        std: their standard deviation.
    """

    types: frozenset[str]
    low: float
    high: float
    std: float

    @property
    def white(self) -> float | None:
        """The value that stands for white, by type and range; None if they leave it open."""
        if not self.types - {"float"} and (self.low, self.high) in ((0, 1), (0, _BYTE), (0, _WORD)):
            return self.high
        if self.low < 0 or len(self.types) != 1:
            return None
        (name,) = self.types
        if name == "float":
            return 1 if self.high <= 1 else None
        if name == "bool":
            return 1
        return _BYTE if self.high <= _BYTE else _WORD if name == "uint16" else None

    def __str__(self) -> str:
        """For a message."""
        types = f"{' and '.join(sorted(self.types))} " if self.types else ""
        return f"{types}from {self.low:,.5g} to {self.high:,.5g}"


def scaling_of(image: Any, info: ModelInfo) -> Scaling:  # noqa: ANN401 - whatever can be sliced
    """How the values of an image (h, w) or (h, w, c), or a volume (d, h, w, c), are brought to those of the training.

    They are converted if types and ranges determine how: between 8 bits, 16 bits and 0 to 1. Otherwise they stay
    unchanged, with a doubt if they are far from the training data. A sample of a large image is enough.
    """
    dtype = _dtype(image)
    is_free_of_scale = bool(info.normalization) and all(map(is_relative, info.normalization))
    if is_free_of_scale or not info.value_range or (dtype.name in info.image_dtypes and dtype.itemsize == 1):
        return Scaling()
    values = np.concatenate([_values(part, info.nodata) for part in sample_of(image)])
    if not values.size or not np.isfinite(values).all():
        return Scaling()
    seen = Values(_types(dtype.name), float(values.min()), float(values.max()), float(values.std()))
    trained = _trained(info)
    factor = _factor(seen, trained)
    low, high = np.percentile(values, _BULK) * factor
    is_far = _is_far(low, high, trained, 1) or _is_far(seen.low * factor, seen.high * factor, trained, _OUTLIER)
    if is_far or _is_dim(seen, factor) or (factor == 1 and _is_of_another_scale(seen, trained)):
        return Scaling(
            factor,
            f"its values, {seen}, are unlike those of the training, {trained}, so that the result is probably wrong: "
            "give it images of the same scale",
        )
    return Scaling(factor)


def _trained(info: ModelInfo) -> Values:
    low, high = info.value_range
    return Values(_types(*info.image_dtypes), low, high, min(info.std or [_USUAL_STD]) * (high - low))


def _types(*names: str) -> frozenset[str]:
    return frozenset("float" if name.startswith("float") else name for name in names)


def _factor(seen: Values, trained: Values) -> float:
    """The factor that maps the white of an image to that of the training; 1 if only unchanged values fit."""
    if seen.types <= trained.types or seen.white is None or trained.white is None:
        return 1.0
    if seen.high <= 1 == trained.white:  # whole numbers 0 and 1
        return 1.0
    factor = trained.white / seen.white
    fits, fits_as_it_is = (seen.high * scale <= trained.high + trained.std for scale in (factor, 1))
    return factor if fits or not fits_as_it_is else 1.0


def _is_far(low: float, high: float, trained: Values, widths: float) -> bool:
    """Whether a value lies outside the training range by more than `widths` times its width."""
    width = widths * (trained.high - trained.low)
    return low < trained.low - width or high > trained.high + width


def _is_dim(seen: Values, factor: float) -> bool:
    """Whether converted values use a small part of their type's range, as those of a 12-bit camera do."""
    if factor == 1 or not seen.std or seen.white is None:
        return False
    return seen.high < seen.white / (_USED if seen.white == _WORD else _SMALL)


def _is_of_another_scale(seen: Values, trained: Values) -> bool:
    """Whether unconverted values have another unit than the training data."""
    differ = bool(trained.types) and not seen.types <= trained.types
    if differ and not _holds(seen, trained):
        return True
    is_unit = seen.low >= 0 and seen.high <= 1 < trained.high / 2
    is_byte = 0 <= seen.low < _BYTE / _SMALL and _BYTE / 2 < seen.high <= _BYTE < trained.high / 2
    is_small = differ and seen.high < trained.high / _SMALL
    is_centered = seen.low < 0 <= trained.low
    return 0 < seen.std < trained.std / _FLAT and (is_unit or is_byte or is_small or is_centered)


def _holds(seen: Values, trained: Values) -> bool:
    """Whether the type of an image can hold the training values."""
    (name,) = seen.types
    if name in ("float", "bool"):
        return True
    limits, slack = np.iinfo(name), (trained.high - trained.low) / _SMALL
    return limits.min <= trained.low + slack and limits.max >= trained.high - slack


def _dtype(image: Any) -> np.dtype[Any]:  # noqa: ANN401 - as in `scaling_of`
    dtype = getattr(image, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) else np.asarray(image[:1, :1]).dtype


def _values(pixels: NDArray[Any], nodata: Sequence[float]) -> NDArray[np.float64]:
    """All values (n,) except those without data."""
    valid, values = valid_values(pixels, nodata), np.ma.getdata(pixels)
    return (values.ravel() if valid is None else values[valid]).astype(np.float64)


def sample_of(image: Any) -> list[NDArray[Any]]:  # noqa: ANN401 - as in `scaling_of`
    """Pixels from all over an image: every n-th if it is in memory, else some windows."""
    axes = max(2, len(image.shape) - 1)
    if isinstance(image, np.ndarray) and not isinstance(image, np.memmap):
        step = max(1, int((image.size / _SAMPLE) ** (1 / axes)))
        return [image[(slice(None, None, step),) * axes]]
    windows = product(*(_windows(length, _SIDES[axes]) for length in image.shape[:axes]))
    return [np.asanyarray(image[window]) for window in windows]


def _windows(length: int, side: int) -> list[slice]:
    """Slices at the start, the middle and the end of an axis; the whole axis if they would meet."""
    if length <= _WINDOWS * side:
        return [slice(0, length)]
    return [slice(int(start), int(start) + side) for start in np.linspace(0, length - side, _WINDOWS)]
