"""How a mask is stored, and the kinds as which its pixels can be read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import GRAY, Codes, brightness, cut_out, only_channel, opacity, rgb
from unetzoo.errors import DataError
from unetzoo.nn.coding import LEVELS, MOST_PLANES, NO_NUMBER, OVERLAP, UNKNOWN, Kind

Layout = Literal["values", "levels", "palette", "colors", "planes", "sets"]
NATURAL: Mapping[Layout, Kind] = {
    "values": "ids",
    "levels": "levels",
    "palette": "ids",
    "colors": "colors",
    "planes": "planes",
    "sets": "planes",
}
"""The default kind of each layout."""

SET_BITS = 2**MOST_PLANES - 1
"""The bits of planes that are set."""
_LARGEST_LEVEL = 2**42
_BYTE = 255
_KINDS_SHOWN = {
    "ids": "ids",
    "grays": "grays",
    "levels": "fractions",
    "colors": "colors",
    "cutout": "colors on transparent",
    "channel": "ids in one channel",
    "alpha": "alpha",
    "planes": "planes",
    "sets": "planes that may overlap",
}


@dataclass(frozen=True)
class Marks:
    """What the file of a mask says of its pixels, beyond their numbers.

    Attributes:
        palette: the color of each index, as `unetzoo.data.masks.colors.pack` writes it; empty: pixels are not indices.
        scale: how bright a pixel of the value 1 is shown; 85 for 2 bits a pixel.
        has_alpha: the last channel is the opacity.
        is_lossy: the format blurs, as JPEG does.
        nodata: the value that stands for no data.
        are_planes: channels are planes of classes, not colors.
    """

    palette: tuple[int, ...] = ()
    scale: int = 1
    has_alpha: bool = False
    is_lossy: bool = False
    nodata: float | None = None
    are_planes: bool = False


PLAIN = Marks()


@dataclass(frozen=True)
class Form:
    """How a mask is stored.

    Attributes:
        layout: what its codes are: values; levels, with `LEVELS` for 1; indices of a palette; colors with their
            transparency; numbers of planes from 1, 0 if none is set, and `OVERLAP` if several are; or bits of at most
            `MOST_PLANES` planes.
        marks: what its file says.
        channels: of its pixels.
        is_unit: all values are 0 or 1.
        is_switch: 1 is the most that its type holds: true, or a fraction.
    """

    layout: Layout
    marks: Marks = PLAIN
    channels: int = 1
    is_unit: bool = False
    is_switch: bool = False

    @property
    def natural(self) -> Kind:
        """The kind as which it is read by default."""
        return NATURAL[self.layout]

    def read_as(self, kind: Kind, codes: Codes) -> Codes:
        """The codes of a kind that codes of this form stand for.

        Raises:
            DataError: they cannot be read so.
        """
        read = self.try_as(kind, codes)
        if read is None:
            raise DataError(f"the mask is stored as {say_kind(self.natural)}, and cannot be read as {say_kind(kind)}")
        return read

    def try_as(self, kind: Kind, codes: Codes) -> Codes | None:
        """Likewise; None if they cannot be read so."""
        read = _READERS.get((self.layout, kind))
        return read(self, codes) if read else None


def say_kind(kind: Kind) -> str:
    """What masks of a kind hold."""
    return _KINDS_SHOWN[kind]


def _same(_: Form, codes: Codes) -> Codes:
    return codes


def _levels(codes: Codes | None) -> Codes | None:
    if codes is None:
        return None
    return np.where(codes == NO_NUMBER, NO_NUMBER, codes.clip(-_LARGEST_LEVEL, _LARGEST_LEVEL) * LEVELS)


def _shown(form: Form, codes: Codes) -> Codes | None:
    """The brightness of values; None if a byte cannot hold them."""
    fit = codes.size == 0 or (codes.min() >= 0 and codes.max() * form.marks.scale <= _BYTE)
    return codes * form.marks.scale if fit else None


def _gray_colors(form: Form, codes: Codes) -> Codes | None:
    shown = _shown(form, codes)
    return None if shown is None else shown * GRAY


def _looked_up(form: Form, codes: Codes) -> Codes | None:
    """The colors of indices; None if an index has none."""
    fit = codes.size == 0 or (codes.min() >= 0 and codes.max() < len(form.marks.palette))
    return np.array(form.marks.palette, dtype=np.int64)[codes] if fit else None


def _through(change: Callable[[Codes], Codes | None]) -> Callable[[Form, Codes], Codes | None]:
    """Read the colors of indices."""

    def read(form: Form, codes: Codes) -> Codes | None:
        colors = _looked_up(form, codes)
        return None if colors is None else change(colors)

    return read


def _sets_of_colors(form: Form, codes: Codes) -> Codes | None:
    """Which of three or four channels are set, for colors that may be planes."""
    if form.marks.has_alpha:
        return None
    channels = [codes >> shift & _BYTE for shift in (16, 8, 0)] + [opacity(codes)] * (form.channels == 4)
    return plane_bits(np.stack(channels, axis=-1))


def _planes_of_colors(form: Form, codes: Codes) -> Codes | None:
    bits = _sets_of_colors(form, codes)
    return None if bits is None else _planes_of_sets(form, bits)


def _planes_of_sets(_: Form, codes: Codes) -> Codes:
    """The number of the only plane that is set, 0 without one, `OVERLAP` with several."""
    bits = codes & SET_BITS
    numbers = np.log2(bits.clip(1)).astype(np.int64) + 1
    return np.where(bits & (bits - 1), OVERLAP, np.where(bits, numbers, 0))


def _set_of_value(_: Form, codes: Codes) -> Codes | None:
    """The bits of a single plane; None for ids of several classes."""
    return plane_bits(codes[..., None]) if np.isin(codes, (0, 1, UNKNOWN)).all() else None


def plane_bits(planes: NDArray[Any]) -> Codes:
    """The bits of planes (..., planes) that are set, and of those that hold 255."""
    codes = np.zeros(planes.shape[:-1], np.int64)
    for number, plane in enumerate(np.moveaxis(planes, -1, 0)):
        codes |= (plane > 0).astype(np.int64) << number
        codes |= (plane == UNKNOWN).astype(np.int64) << (MOST_PLANES + number)
    return codes


def plane_codes(is_set: NDArray[np.bool_]) -> Codes:
    """The numbers, from 1, of planes (..., planes) that are set."""
    one = np.where(is_set.any(-1), is_set.argmax(-1) + 1, 0)
    return np.where(is_set.sum(-1) > 1, OVERLAP, one).astype(np.int64)


def _alpha(form: Form, codes: Codes) -> Codes | None:
    return opacity(codes) if form.marks.has_alpha or form.channels == 4 else None


_READERS: Mapping[tuple[Layout, Kind], Callable[[Form, Codes], Codes | None]] = {
    ("values", "ids"): _same,
    ("values", "grays"): _shown,
    ("values", "levels"): lambda _, codes: _levels(codes),
    ("values", "colors"): _gray_colors,
    ("levels", "levels"): _same,
    ("palette", "ids"): _same,
    ("palette", "grays"): _through(brightness),
    ("palette", "levels"): _through(lambda colors: _levels(brightness(colors))),
    ("palette", "colors"): _through(rgb),
    ("palette", "cutout"): _through(cut_out),
    ("palette", "alpha"): _through(opacity),
    ("colors", "ids"): lambda _, codes: brightness(codes),
    ("colors", "grays"): lambda _, codes: brightness(codes),
    ("colors", "levels"): lambda _, codes: _levels(brightness(codes)),
    ("colors", "colors"): lambda _, codes: rgb(codes),
    ("colors", "cutout"): lambda _, codes: cut_out(codes),
    ("colors", "channel"): lambda _, codes: only_channel(codes),
    ("colors", "alpha"): _alpha,
    ("colors", "planes"): _planes_of_colors,
    ("colors", "sets"): _sets_of_colors,
    ("planes", "planes"): _same,
    ("sets", "planes"): _planes_of_sets,
    ("sets", "sets"): _same,
    ("values", "sets"): _set_of_value,
    ("palette", "sets"): _set_of_value,
}
