"""The size of a pixel in a unit of length, as text."""

import math
import re
from dataclasses import dataclass

from unetzoo.errors import OptionError

_LENGTH = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµμ]+)\s*")  # the micro sign, and the letter
_PIXELS = ("px", "pixel", "pixels")


@dataclass(frozen=True)
class PixelSize:
    """The side of a pixel, which is a square.

    Attributes:
        length: in the unit, > 0.
        unit: letters, such as `"um"`; part of the names of columns.
    """

    length: float
    unit: str


def read_pixel_size(text: str) -> PixelSize:
    """The size of a pixel from a text such as `"0.5um"`.

    Raises:
        OptionError: it is not a length.
    """
    match = _LENGTH.fullmatch(text)
    length = float(match[1]) if match else 0
    if not match or not 0 < length < math.inf or match[2] in _PIXELS:
        raise OptionError(f"pixel_size must be a length > 0 with its unit, such as 0.5um, got {text!r}")
    return PixelSize(length, re.sub("[µμ]", "u", match[2]))
