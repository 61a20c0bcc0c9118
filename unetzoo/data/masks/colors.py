"""Colors as numbers: 0xRRGGBB, and above it how transparent a pixel is."""

import re

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

GRAY = 0x010101
"""A brightness times this is its gray."""
TRANSPARENT = 1 << 24
"""The code of a transparent pixel, whose color is not visible."""
_RGB = 0xFFFFFF
_BYTE = 0xFF


def pack(pixels: NDArray[np.uint8]) -> Codes:
    """The codes (h, w) of colors (h, w, 3), or (h, w, 4) with opacity: a byte each of transparency and color."""
    red, green, blue = np.moveaxis(pixels[..., :3].astype(np.int64), 2, 0)
    codes: Codes = (red << 16) | (green << 8) | blue
    return codes | (_BYTE - pixels[..., 3].astype(np.int64)) << 24 if pixels.shape[2] == 4 else codes


def rgb(codes: Codes) -> Codes:
    """The colors, opaque or not."""
    return codes & _RGB


def opacity(codes: Codes) -> Codes:
    """The opacity, 0 to 255."""
    return _BYTE - (codes >> 24)


def cut_out(codes: Codes) -> Codes:
    """The colors of opaque pixels, `TRANSPARENT` for the others."""
    return np.where(opacity(codes) > _BYTE // 2, rgb(codes), TRANSPARENT)


def brightness(codes: Codes) -> Codes | None:
    """The brightness 0 to 255 of grays; None for colors."""
    levels = codes & _BYTE
    return levels if (rgb(codes) == levels * GRAY).all() else None


def used_channels(codes: Codes) -> list[int]:
    """The bit shifts of the channels that some color uses."""
    return [shift for shift in (0, 8, 16) if (codes >> shift & _BYTE).any()]


def only_channel(codes: Codes) -> Codes | None:
    """The values of the only channel in use; None if several are in use."""
    used = used_channels(codes)
    return None if len(used) > 1 else codes >> sum(used) & _BYTE


def read_color(text: str) -> int | None:
    """The code of `"#ff0000"`, or of `"#00000000"`, which is transparent; None for another text."""
    match = re.fullmatch(r"#([0-9a-fA-F]{6})(00)?", text)
    return None if not match else TRANSPARENT if match[2] else int(match[1], 16)


def write_color(code: int) -> str:
    """As it is written in text."""
    return "#00000000" if code == TRANSPARENT else f"#{code:06x}"


def by_blue(code: int) -> tuple[int, ...]:
    """The sort key of a color: transparent first, then by blue, green and red, as planes of these would come."""
    return (code != TRANSPARENT, *(code & _RGB).to_bytes(3, "little"))


def squared_distances(codes: Codes, color: int) -> Codes:
    """The squared distance of colors to another one."""
    squares: Codes = np.sum(
        [((codes >> shift & _BYTE) - (color >> shift & _BYTE)) ** 2 for shift in (0, 8, 16)], axis=0
    )
    return squares


def are_alike(one: int, other: int, *, tolerance: int) -> bool:
    """Whether no channel of two colors differs by more than the tolerance."""
    return all(abs((one >> shift & _BYTE) - (other >> shift & _BYTE)) <= tolerance for shift in (0, 8, 16))
