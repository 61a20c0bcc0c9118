"""The size of a pixel in a unit of length, as text."""

import math
import re
from dataclasses import dataclass

from unetzoo.errors import OptionError

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LENGTH = re.compile(rf"\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)\s*([A-Za-zµμ]+)\s*")  # the micro sign, and the letter
_PIXELS = ("px", "pixel", "pixels")
_COUNTS = (1, 3)


@dataclass(frozen=True)
class PixelSize:
    """The size of a pixel, which is a square, or of a voxel.

    Attributes:
        steps: the side of a pixel, or those of a voxel along each axis, in the unit, > 0.
        unit: letters, such as `"um"`; part of the names of columns.
    """

    steps: tuple[float, ...]
    unit: str

    def along(self, axes: int) -> tuple[float, ...]:
        """The sides along so many axes; raises OptionError if they are those of other axes."""
        if len(self.steps) not in (1, axes):
            raise OptionError(
                f"pixel_size must be one length, the side of a pixel, such as 0.5um: it has {len(self.steps)} numbers, "
                "which are those of voxels"
            )
        return self.steps if len(self.steps) == axes else self.steps * axes


def read_pixel_size(text: str) -> PixelSize:
    """The size of a pixel from a text such as `"0.5um"`, or that of a voxel, such as `"2,0.5,0.5um"`.

    Raises:
        OptionError: it is neither.
    """
    match = _LENGTH.fullmatch(text)
    steps = tuple(map(float, match[1].split(","))) if match else ()
    if not match or len(steps) not in _COUNTS or match[2] in _PIXELS or not all(0 < step < math.inf for step in steps):
        raise OptionError(
            "pixel_size must be a length > 0 with its unit, such as 0.5um, or three along z, y and x, such as "
            f"2,0.5,0.5um, for voxels; got {text!r}"
        )
    return PixelSize(steps, re.sub("[µμ]", "u", match[2]))
