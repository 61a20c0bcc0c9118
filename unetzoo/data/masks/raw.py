"""A mask as its file has it, and the numbers of its pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import Codes, pack
from unetzoo.data.masks.forms import PLAIN, Form, Marks, plane_bits, plane_codes
from unetzoo.errors import DataError
from unetzoo.nn.coding import LEVELS, MOST_PLANES, NO_NUMBER, OVERLAP

_LARGEST = 2**53  # beyond it, floats are no whole numbers one by one
_LARGEST_FRACTION = 2**42
_BYTE = 255
_TOLERANCE = 1e-3  # of a byte that was divided by 255


@dataclass(frozen=True, eq=False)
class RawMask:
    """The pixels of a mask, and what its file says of them.

    Attributes:
        pixels: (h, w), or (h, w, channels).
        marks: what its file says.
    """

    pixels: NDArray[Any]
    marks: Marks = PLAIN

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401 - of NumPy's protocol
        """The pixels: NumPy takes a mask for an array."""
        return self.pixels if dtype is None else self.pixels.astype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the pixels."""
        return self.pixels.shape


def encode(raw: RawMask | NDArray[Any]) -> tuple[Form, Codes]:
    """How a mask is stored, and one number (h, w) for each of its pixels.

    One channel holds values, or indices of a palette; three or four are colors, though they may be read as planes;
    other numbers of channels are planes, of which those above 0 are set.

    Raises:
        DataError: for three channels that are neither colors nor planes.
    """
    raw = raw if isinstance(raw, RawMask) else RawMask(raw)
    pixels = raw.pixels[..., 0] if raw.pixels.ndim == 3 and raw.pixels.shape[2] == 1 else raw.pixels
    return _single(raw.marks, pixels) if pixels.ndim == 2 else _several(raw.marks, pixels)


def _several(marks: Marks, pixels: NDArray[Any]) -> tuple[Form, Codes]:
    """Of several channels; raises DataError for three that are finer than colors of 8 bits, and not planes."""
    channels = pixels.shape[2]
    is_unit = bool(pixels.max() <= 1 and ((pixels == 0) | (pixels == 1)).all())
    colored = pixels[..., [0, 0, 0, 1]] if marks.has_alpha and channels == 2 else pixels
    colors = None if pixels.dtype.kind == "b" or marks.are_planes else _bytes(colored, has_alpha=marks.has_alpha)
    if colors is not None:
        return Form("colors", marks, channels=channels, is_unit=is_unit), pack(colors)
    if channels == 3 and not is_unit and not marks.are_planes:
        _refuse_fine_colors(pixels)
    if channels <= MOST_PLANES:
        return Form("sets", marks, channels=channels, is_unit=is_unit), plane_bits(pixels)
    return Form("planes", marks, channels=channels, is_unit=is_unit), plane_codes(pixels > 0)


def _refuse_fine_colors(pixels: NDArray[Any]) -> None:
    """Raise DataError for three channels of more than 8 bits that are not planes of one class each."""
    overlaps = plane_codes(pixels > 0) == OVERLAP
    if overlaps.any():
        example = ", ".join(str(value) for value in pixels[overlaps][0])
        raise DataError(
            f"the mask holds ({example}), which is not a color of 8 bits a channel, and sets several planes: save "
            "masks with 8 bits"
        )


def _single(marks: Marks, pixels: NDArray[Any]) -> tuple[Form, Codes]:
    """Of one channel."""
    if marks.palette:
        return Form("palette", marks), pixels.astype(np.int64)
    is_float = pixels.dtype.kind == "f"
    is_switch = pixels.dtype.kind == "b" or (is_float and bool((np.abs(pixels) <= 1).all()))
    finite = np.isfinite(pixels) if is_float else True
    fractions = is_float and bool((np.rint(pixels) != pixels)[finite].any())
    form = Form(
        "levels" if fractions else "values",
        marks,
        is_switch=is_switch,
    )
    return form, number_codes(pixels, fractions=fractions)


def number_codes(values: NDArray[Any], *, fractions: bool = False) -> Codes:
    """Whole numbers, or multiples of 1 / `LEVELS`; `NO_NUMBER` for values that are not finite, or too large."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 8:
        return np.where(values > _LARGEST, NO_NUMBER, values.astype(np.int64))
    if values.dtype.kind != "f":
        return values.astype(np.int64)
    values = values.astype(np.float64)
    fit = np.abs(values) <= (_LARGEST_FRACTION if fractions else _LARGEST)
    numbers = np.where(fit, values, 0)
    scaled = np.floor(numbers * LEVELS) if fractions else np.rint(numbers)
    return np.where(fit, scaled.astype(np.int64), NO_NUMBER)


def _bytes(pixels: NDArray[Any], *, has_alpha: bool) -> NDArray[np.uint8] | None:
    """Colors of another type in 8 bits a channel; None if they are not colors, or finer."""
    if pixels.shape[2] not in (3, 4):
        return None
    if pixels.dtype == np.uint8:
        return pixels
    values = pixels.astype(np.float64)
    if not np.isfinite(values).all() or values.min() < 0:
        return None
    colors = values if not has_alpha else values[..., :-1]
    if values.max() <= 1 and pixels.dtype.kind == "f":
        values = values * _BYTE
    elif values.max() > _BYTE:
        step = next((step for step in (257, 256) if not (colors % step).any()), 0)
        values = np.floor(values / step) if step else values
    whole = np.rint(values)
    fits = whole.max() <= _BYTE and np.abs(values - whole).max() <= _TOLERANCE
    return whole.astype(np.uint8) if fits else None
