"""An image's bytes before they are decoded, and its pixels before they are turned upright."""

from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.forms import PLAIN, Marks
from unetzoo.errors import DataError

Pixels = NDArray[Any]
Role = Literal["image", "mask"]


@dataclass(frozen=True)
class Content:
    """The bytes of an image: of a file, or of a row of a table.

    Attributes:
        stream: to read them from; it can be rewound.
        size: number of bytes.
        name: for errors.
    """

    stream: IO[bytes]
    size: int
    name: str


@dataclass(frozen=True)
class Known:
    """What decides which axis of an array without names has the channels.

    Attributes:
        size: (h, w) of its mask.
        channels: that a network takes.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None


NOTHING_KNOWN = Known()


@dataclass(frozen=True)
class Raster:
    """Decoded pixels.

    Attributes:
        pixels: (h, w) or (h, w, c), as they are stored.
        orientation: 1 to 8, how to turn them, as in tag 274 of TIFF and EXIF; 1: not at all.
        marks: what the file of a mask says of them.
    """

    pixels: Pixels
    orientation: int = 1
    marks: Marks = PLAIN

    def upright(self) -> Pixels:
        """The pixels as viewers show them."""
        return turned(self.pixels, self.orientation)


@dataclass(frozen=True)
class Glance:
    """What a file says of its pixels before they are decoded.

    Attributes:
        size: (h, w), as they are stored; (0, 0): of an array, which is not turned.
        orientation: as of `Raster`.
        stack: its slices or times that are read as channels, such as `"5 times (axes TYX)"`; empty: none.
    """

    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    stack: str = ""

    @property
    def is_lying(self) -> bool:
        """Whether height and width change places when it is turned."""
        return self.orientation >= 5


def check_finite(pixels: Pixels, name: str) -> None:
    """Raise DataError if values are infinite; NaN stands for no data."""
    if pixels.dtype.kind == "f" and (infinite := np.ma.filled(np.isinf(pixels), False)).any():
        bad = np.count_nonzero(infinite)
        raise DataError(f"{name}: {bad:,} of its {pixels.size:,} values are infinite")


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Stored pixels (h, w) or (h, w, c), turned as their orientation says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels.copy() if orientation != 1 else pixels


def channel_axis(shape: tuple[int, ...], known: Known) -> int:
    """The axis of the channels, of three axes without names: the first or the last.

    It is the one that fits what is known; if both do, or neither, the shorter one, and of equal ones the last.
    """
    fitting = [axis for axis in (0, 2) if _fits(shape, axis, known)]
    if len(fitting) == 1:
        return fitting[0]
    return 0 if shape[0] < shape[2] else 2


def _fits(shape: tuple[int, ...], axis: int, known: Known) -> bool:
    size = shape[1:] if axis == 0 else shape[:2]
    return known.size in (None, size) and known.channels in (None, shape[axis])


def channels_last(pixels: Pixels, known: Known = NOTHING_KNOWN) -> Pixels:
    """An array whose axes have no names, with its channels last; axes of one element beyond three are dropped."""
    while pixels.ndim > 3 and 1 in pixels.shape:
        pixels = pixels.squeeze(pixels.shape.index(1))
    first = pixels.ndim == 3 and channel_axis(pixels.shape, known) == 0
    return pixels.transpose(1, 2, 0) if first else pixels
