"""Read images from files: PNG, JPEG and what else Pillow reads, TIFF of any depth, NumPy arrays."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.marks import PLAIN, Marks, page_marks, picture_mask
from unetzoo.data.raw import RawMask
from unetzoo.errors import DataError, MissingExtraError, describe_error
from unetzoo.extras import need

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[Any]
_LONGEST_TOLD = 200  # letters of a name
_PNG_HEADER = 26  # bytes, up to depth and kind of colour
_opening = threading.Lock()

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
SUFFIXES = (*PICTURES, ".tif", ".tiff", ".npy")
"""What `read_image` reads, in lower case."""

_PLAIN = {"1": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L"}


def read_image(path: str | Path) -> Pixels:
    """The pixels of an image (h, w, c), their values as they are in the file.

    A PNG or JPEG is turned as its EXIF orientation says, and loses its alpha channel; a palette becomes colours. The
    pages of a TIFF that are alike are channels; of others the largest is read. Of a NumPy array with three axes the
    channels are the first or the last, whichever is shorter.

    Args:
        path: of a PNG, JPEG, BMP, GIF, WebP, TIFF or NPY file.

    Raises:
        DataError: the file is missing, empty or damaged, is of another format, has more axes, or holds NaN or infinity.
        MissingExtraError: a PNG of 16 bits and several channels needs imagecodecs.
    """
    pixels, _ = _read(Path(path), as_mask=False)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    check_finite(pixels, str(path))
    return pixels


def check_finite(pixels: Pixels, name: str) -> None:
    """Raise DataError where values are NaN or infinity."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        bad = pixels.size - np.count_nonzero(np.isfinite(pixels))
        raise DataError(f"{name}: {bad:,} of its {pixels.size:,} values are NaN or infinity")


def read_raw_mask(path: str | Path) -> RawMask:
    """The pixels of a mask as its file has them, (h, w), or (h, w, c) for colours or planes, and what it says of them.

    Of a palette they are its indices; colours keep their opacity.

    Raises:
        DataError: as `read_image`.
    """
    return RawMask(*_read(Path(path), as_mask=True))


def _read(path: Path, *, as_mask: bool) -> tuple[Pixels, Marks]:
    """The pixels, (h, w) or (h, w, c), of a mask as they are stored."""
    check_file(path)
    try:
        pixels, marks = _read_any(path, as_mask=as_mask)
    except (DataError, MissingExtraError):
        raise
    except Exception as error:  # the readers raise nearly anything for a damaged file
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise DataError(f"{path}: an image must be (h, w) or (h, w, channels), but this is {pixels.shape}")
    if pixels.dtype.kind not in "buif":
        raise DataError(f"{path}: pixels must be numbers, but these are {pixels.dtype}")
    return pixels, marks


def check_file(path: Path) -> None:
    """Raise DataError unless there is a file with something in it, of a format that can be read."""
    try:
        path.stat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise DataError(f"{str(path)[:_LONGEST_TOLD]} cannot be read: {error.strerror}") from error
    if not path.is_file():
        raise DataError(f"there is no file {path}" if not path.exists() else f"{path} is no file")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} has none of the endings {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: it has 0 bytes")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} cannot be read: Permission denied")


def _read_any(path: Path, *, as_mask: bool) -> tuple[Pixels, Marks]:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return channels_last(np.load(path, allow_pickle=False)), PLAIN
    if suffix in (".tif", ".tiff"):
        return _read_tiff(path, as_mask=as_mask)
    if _is_deep_color(path):
        return _read_deep_color(path, as_mask=as_mask)
    with _open_picture(path) as picture:
        return picture_mask(picture) if as_mask else (np.asarray(picture_pixels(picture)), PLAIN)


def _is_deep_color(path: Path) -> bool:
    """Whether a file is a PNG of 16 bits and more channels than one, of which Pillow keeps 8 bits."""
    with path.open("rb") as file:
        header = file.read(_PNG_HEADER)
    signature, depth, color = header[:8], header[24:25], header[25:26]
    return signature == b"\x89PNG\r\n\x1a\n" and depth == b"\x10" and color != b"\x00"


def _read_deep_color(path: Path, *, as_mask: bool) -> tuple[Pixels, Marks]:
    need("images", f"reading {path}, a PNG of 16 bits and several channels,", "imagecodecs")
    from imagecodecs import png_decode

    pixels: Pixels = png_decode(path.read_bytes())
    has_alpha = pixels.shape[2] in (2, 4)
    return (pixels, Marks(has_alpha=has_alpha)) if as_mask or not has_alpha else (pixels[..., :-1], PLAIN)


def _open_picture(path: Path) -> "Image":
    """A picture of any size: to Pillow one of more than 179 million pixels is an attack."""
    from PIL import Image

    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _read_tiff(path: Path, *, as_mask: bool) -> tuple[Pixels, Marks]:
    import logging

    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it would print, its errors say
    with tifffile.TiffFile(path) as file:
        alike = alike_pages(file)
        if alike:
            return np.stack([_shown(page, page.asarray(), colored=False) for page in alike], axis=2), PLAIN
        series, is_imagej = largest_series(file), bool(file.is_imagej)
        axes, pixels = series.axes, np.asarray(series.asarray())
        shown_as_stored = as_mask and is_imagej  # whose inverted table changes the display alone
        pixels = pixels if shown_as_stored else _shown(series.keyframe, pixels, colored=not as_mask)
        axes += "S" * (pixels.ndim - len(axes))
        marks = page_marks(series.keyframe) if as_mask else PLAIN
    others = [index for index, axis in enumerate(axes) if axis not in "YX" and pixels.shape[index] > 1]
    if len(others) > 1:
        raise DataError(f"{path} has the axes {axes} {pixels.shape}; only height, width and one of channels are read")
    order = [axes.index("Y"), axes.index("X"), *others]
    pixels = pixels.transpose(order + [axis for axis in range(pixels.ndim) if axis not in order]).reshape(
        [pixels.shape[axis] for axis in order]
    )
    return pixels, marks


def largest_series(file: Any) -> Any:  # noqa: ANN401 - of tifffile, which has no types
    """The series of pages with the most values: not a thumbnail or a label."""
    return max(file.series, key=lambda series: series.size)


def alike_pages(file: Any) -> list[Any]:  # noqa: ANN401 - as above
    """Single pages (h, w) of one size and type that were written one by one; empty where there are others."""
    pages = [series.keyframe for series in file.series]
    kinds = {(page.shape, page.dtype) for page in pages}
    are_alike = len(pages) > 1 and len(kinds) == 1 and all(len(series) == 1 for series in file.series)
    return pages if are_alike and pages[0].ndim == 2 else []


def is_shown_as_stored(page: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the pixels of a page are values: 0 is black, and there is no palette."""
    from tifffile import PHOTOMETRIC

    return page.photometric not in (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.PALETTE)


def _shown(page: Any, pixels: Pixels, *, colored: bool) -> Pixels:  # noqa: ANN401 - as above
    """Pixels as a viewer shows them: 0 is black, and a palette becomes colours where those are wanted."""
    from tifffile import PHOTOMETRIC

    if page.photometric == PHOTOMETRIC.MINISWHITE and pixels.dtype.kind in "bu":
        return ~pixels
    if colored and page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
        colors: Pixels = np.moveaxis(page.colormap[:, pixels] >> 8, 0, -1).astype(np.uint8)
        return colors
    return pixels


def channels_last(pixels: Pixels) -> Pixels:
    """An array whose channels, of three axes the first or the last, whichever is shorter, are the last."""
    first = pixels.ndim == 3 and pixels.shape[0] < pixels.shape[2]
    return pixels.transpose(1, 2, 0) if first else pixels


def picture_pixels(picture: "Image") -> "Image":
    """A picture upright, without palette and alpha."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode == "P" and "transparency" in upright.info:
        upright = upright.convert("RGBA")
    return upright.convert(_PLAIN[upright.mode]) if upright.mode in _PLAIN else upright


def picture_codes(picture: "Image") -> "Image":
    """A picture's indices of its palette, or its colours without alpha."""
    if picture.mode == "P":
        return picture
    return picture.convert(_PLAIN[picture.mode]) if picture.mode in _PLAIN else picture
