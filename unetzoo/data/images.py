"""Read images from files: PNG, JPEG and what else Pillow reads, TIFF of any depth, NumPy arrays."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import DataError, MissingExtraError, describe_error
from unetzoo.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

Pixels = NDArray[Any]
_PNG_HEADER = 26  # bytes, up to depth and kind of colour
_opening = threading.Lock()

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
SUFFIXES = (*PICTURES, ".tif", ".tiff", ".npy")
"""What `read_image` reads, in lower case."""

_PLAIN = {"1": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L"}


def read_image(path: str | Path) -> Pixels:
    """The pixels of an image (h, w, c), their values as they are in the file.

    A PNG or JPEG is turned as its EXIF orientation says, and loses its alpha channel. The pages of a TIFF that has
    several are channels. Of a NumPy array with three axes the channels are the first or the last, whichever is shorter.

    Args:
        path: of a PNG, JPEG, BMP, GIF, WebP, TIFF or NPY file.

    Raises:
        DataError: the file is missing, empty or damaged, is of another format, has more axes, or holds NaN or infinity.
        MissingExtraError: a PNG of 16 bits and several channels needs imagecodecs.
    """
    pixels = _read(Path(path), _picture_pixels)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    check_finite(pixels, str(path))
    return pixels


def check_finite(pixels: Pixels, name: str) -> None:
    """Raise DataError where values are NaN or infinity."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        bad = pixels.size - np.count_nonzero(np.isfinite(pixels))
        raise DataError(f"{name}: {bad:,} of its {pixels.size:,} values are NaN or infinity")


def read_raw_mask(path: str | Path) -> Pixels:
    """The pixels of a mask as they are in the file: (h, w), or (h, w, c) for colours or planes.

    Of a PNG with a palette they are its indices.

    Raises:
        DataError: as `read_image`.
    """
    return _read(Path(path), _indices_or_colors)


def _read(path: Path, from_picture: "Callable[[Image], Image]") -> Pixels:
    """The pixels, (h, w) or (h, w, c)."""
    check_file(path)
    try:
        pixels = _read_any(path, from_picture)
    except (DataError, MissingExtraError):
        raise
    except Exception as error:  # the readers raise nearly anything for a damaged file
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise DataError(f"{path}: an image must be (h, w) or (h, w, channels), but this is {pixels.shape}")
    if pixels.dtype.kind not in "buif":
        raise DataError(f"{path}: pixels must be numbers, but these are {pixels.dtype}")
    return pixels


def check_file(path: Path) -> None:
    """Raise DataError unless there is a file with something in it, of a format that can be read."""
    if not path.is_file():
        raise DataError(f"there is no file {path}" if not path.exists() else f"{path} is no file")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} has none of the endings {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: it has 0 bytes")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} cannot be read: Permission denied")


def _read_any(path: Path, from_picture: "Callable[[Image], Image]") -> Pixels:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _channels_last(np.load(path, allow_pickle=False))
    if suffix in (".tif", ".tiff"):
        return _read_tiff(path)
    if _is_deep_color(path):
        return _read_deep_color(path)
    with _open_picture(path) as picture:
        return np.asarray(from_picture(picture))


def _is_deep_color(path: Path) -> bool:
    """Whether a file is a PNG of 16 bits and more channels than one, of which Pillow keeps 8 bits."""
    with path.open("rb") as file:
        header = file.read(_PNG_HEADER)
    signature, depth, color = header[:8], header[24:25], header[25:26]
    return signature == b"\x89PNG\r\n\x1a\n" and depth == b"\x10" and color != b"\x00"


def _read_deep_color(path: Path) -> Pixels:
    need("images", f"reading {path}, a PNG of 16 bits and several channels,", "imagecodecs")
    from imagecodecs import png_decode

    pixels: Pixels = png_decode(path.read_bytes())
    has_alpha = pixels.shape[2] in (2, 4)
    return pixels[..., :-1] if has_alpha else pixels


def _open_picture(path: Path) -> "Image":
    """A picture of any size: to Pillow one of more than 179 million pixels is an attack."""
    from PIL import Image

    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _read_tiff(path: Path) -> Pixels:
    import logging

    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it would print, its errors say
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        axes, pixels = series.axes, np.asarray(series.asarray())
    others = [index for index, axis in enumerate(axes) if axis not in "YX" and pixels.shape[index] > 1]
    if len(others) > 1:
        raise DataError(f"{path} has the axes {axes} {pixels.shape}; only height, width and one of channels are read")
    order = [axes.index("Y"), axes.index("X"), *others]
    return pixels.transpose(order + [axis for axis in range(pixels.ndim) if axis not in order]).reshape(
        [pixels.shape[axis] for axis in order]
    )


def _channels_last(pixels: Pixels) -> Pixels:
    first = pixels.ndim == 3 and pixels.shape[0] < pixels.shape[2]
    return pixels.transpose(1, 2, 0) if first else pixels


def _picture_pixels(picture: "Image") -> "Image":
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode == "P" and "transparency" in upright.info:
        upright = upright.convert("RGBA")
    return upright.convert(_PLAIN[upright.mode]) if upright.mode in _PLAIN else upright


def _indices_or_colors(picture: "Image") -> "Image":
    if picture.mode == "P":
        return picture
    return picture.convert(_PLAIN[picture.mode]) if picture.mode in _PLAIN else picture
