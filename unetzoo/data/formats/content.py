"""An image's bytes before they are decoded, and its pixels before they are turned upright."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.forms import PLAIN, Marks
from unetzoo.errors import DataError

Pixels = NDArray[Any]
Role = Literal["image", "mask"]


@dataclass(frozen=True)
class Known:
    """What decides which axis of an array without names has the channels.

    Attributes:
        size: (h, w) of its mask.
        channels: that a network takes.
        is_volume: an array of three axes, such as a TIFF of several pages, is a volume, and its first axis that of the
            slices, not of channels.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    is_volume: bool = False


NOTHING_KNOWN = Known()


@dataclass(frozen=True)
class Content:
    """What a format opens: the bytes of a file, or of a row of a table, or a folder.

    Attributes:
        stream: to read the bytes from; it can be rewound. Of a folder it is empty.
        size: number of bytes; of a folder 0.
        name: for errors.
        path: of the file or folder; None: the bytes lie in a table.
        role: whether an image or a mask is to be read; a mask keeps the indices of a palette, and its opacity.
        known: what is known of the image.
    """

    stream: IO[bytes]
    size: int
    name: str
    path: Path | None = None
    role: Role = "image"
    known: Known = NOTHING_KNOWN

    def file(self) -> Path:
        """The path; raises DataError if there is none."""
        if self.path is None:
            raise DataError(f"{self.name} lies in a table, and its format is read from files alone")
        return self.path


@dataclass(frozen=True)
class Decoded:
    """All pixels of an image or a mask.

    Attributes:
        pixels: (h, w) or (h, w, c), as they are stored.
        orientation: as of `Raster`.
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
        size: (h, w), as they are stored; (0, 0): unknown.
        orientation: as of `Raster`.
        doubt: as of `Raster`.
    """

    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    doubt: str = ""

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
