"""An image's bytes before they are decoded, and its pixels before they are turned upright."""

from dataclasses import dataclass
from typing import IO, Any, Literal

from numpy.typing import NDArray

from unetzoo.data.masks.marks import PLAIN, Marks

Pixels = NDArray[Any]
Role = Literal["image", "mask"]


@dataclass(frozen=True)
class Content:
    """The bytes of an image, of a file or of a row of a table.

    Attributes:
        stream: to read them from, at their beginning; it can be rewound.
        size: how many there are.
        name: for errors.
    """

    stream: IO[bytes]
    size: int
    name: str


@dataclass(frozen=True)
class Known:
    """What is known of an image before it is read: it tells which axis of a nameless array has the channels.

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
        orientation: 1 to 8, how they are to be turned, as tag 274 of TIFF and EXIF says it; 1: not at all.
        marks: what the file of a mask says of them.
    """

    pixels: Pixels
    orientation: int = 1
    marks: Marks = PLAIN

    def upright(self) -> Pixels:
        """The pixels as they are to be seen."""
        return turned(self.pixels, self.orientation)


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
    """Of three axes without names, that of the channels: the first or the last.

    It is the one that fits what is known; where both do, or neither, the shorter one, and of equal ones the last.
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
