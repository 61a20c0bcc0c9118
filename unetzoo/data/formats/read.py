"""Read images and masks from files of any format in the table, as a whole or by windows.

The first bytes of a file decide what it is, not its name.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from unetzoo.data.formats.content import NOTHING_KNOWN, Content, Glance, Known, Pixels, Raster, Role, check_finite
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.table import SUFFIXES, format_of
from unetzoo.data.formats.zarr import is_zarr, zarr_windows
from unetzoo.data.masks.raw import RawMask
from unetzoo.errors import DataError, MissingExtraError, describe_error

WHOLE_BYTES = 2**27
"""Bytes of pixels up to which a TIFF is read as a whole."""

_LONGEST_NAME = 200  # letters that an error shows


def read_image(path: str | Path, known: Known = NOTHING_KNOWN) -> Pixels:
    """The pixels of an image (h, w, c), upright, their values as they are in the file.

    A picture or TIFF is turned as its orientation says; a PNG or JPEG loses its alpha channel; a palette becomes
    colors; pixels of one bit are 0 and 255. Pages of a TIFF that are alike are channels; of others the largest is read.
    The channels of a NumPy array with three axes are the first or the last axis, whichever is shorter; likewise of a
    TIFF that Python wrote of such an array without names for its axes. If a TIFF says by GDAL's tag which value stands
    for no data, and holds it, the pixels are a masked array.

    Args:
        path: of a PNG, JPEG, BMP, GIF, WebP, TIFF or NPY file.
        known: what decides which axis has the channels.

    Raises:
        DataError: the file is missing, empty or damaged, is of another format, has more axes, holds infinity,
            or announces more pixels than it can hold, or than there is memory for.
        MissingExtraError: the compression of a TIFF, or a PNG of 16 bits and several channels, needs imagecodecs.
    """
    return upright_image(read_raster(Path(path), "image", known), str(path))


def read_raw_mask(path: str | Path) -> RawMask:
    """The pixels of a mask as its file has them, (h, w), or (h, w, c) for colors or planes, and what it says of them.

    They are upright. Those of a palette are its indices; colors keep their opacity.

    Raises:
        DataError: as `read_image`; or a TIFF holds a volume.
        MissingExtraError: as `read_image`.
    """
    return upright_mask(read_raster(Path(path), "mask"))


def upright_image(raster: Raster, name: str) -> Pixels:
    """The pixels (h, w, c) of an image; raises DataError if they are infinite."""
    pixels = raster.upright()
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    check_finite(pixels, name)
    return pixels


def upright_mask(raster: Raster) -> RawMask:
    """The pixels of a mask, and what its file says of them."""
    return RawMask(raster.upright(), raster.marks)


def read_raster(path: Path, role: Role, known: Known = NOTHING_KNOWN) -> Raster:
    """The stored pixels of a file, (h, w) or (h, w, c), and how to turn them; raises as `read_image`."""
    with open_content(path) as content:
        return decode(content, role, known)


def decode(content: Content, role: Role, known: Known = NOTHING_KNOWN) -> Raster:
    """The stored pixels of an image's bytes; raises as `read_image`."""
    with _explained(content.name):
        raster = format_of(content).read(content, role, known)
    pixels = raster.pixels
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise DataError(f"{content.name}: an image must be (h, w) or (h, w, channels), but this is {pixels.shape}")
    if pixels.dtype.kind not in "buif":
        raise DataError(f"{content.name}: pixels must be numbers, but these are {pixels.dtype}")
    return raster


def glance(path: Path) -> Glance:
    """What a file says of its pixels, which are not decoded; raises DataError if it cannot be read."""
    with open_content(path) as content:
        return glance_at(content)


def glance_at(content: Content) -> Glance:
    """What an image's bytes say of its pixels; raises as `glance`."""
    with _explained(content.name):
        return format_of(content).glance(content)


def read_grid(path: Path) -> Grid:
    """Where the pixels of an image lie, without decoding them; raises DataError if it cannot be read."""
    if is_zarr(path):
        return NO_GRID
    with open_content(path) as content, _explained(content.name):
        format_ = format_of(content)
        return format_.grid(content) if format_.grid else NO_GRID


@contextmanager
def open_image(path: Path, *, channels: int | None = None, whole: int = WHOLE_BYTES) -> Iterator[Any]:
    """Open an image (h, w, c) that has `shape` and can be sliced.

    A Zarr array, a NumPy file and a large TIFF are read by windows; of a pyramid its finest level. Any other file is
    read as `read_image` does.

    Args:
        path: of the image.
        channels: that a network takes; they decide which axis of an array without names has the channels.
        whole: bytes of pixels up to which a TIFF is read as a whole.

    Raises:
        DataError: as `read_image`.
        MissingExtraError: reading it by windows needs zarr.
    """
    known = Known(channels=channels)
    with ExitStack() as opened:
        if is_zarr(path):
            yield opened.enter_context(zarr_windows(path, known))
            return
        content = opened.enter_context(open_content(path))
        format_ = format_of(content)
        windows = opened.enter_context(format_.windows(path, content, known, whole)) if format_.windows else None
        yield windows or upright_image(decode(content, "image", known), str(path))


def check_file(path: Path) -> None:
    """Raise DataError unless there is a file with content and the suffix of a format that is read."""
    try:
        path.stat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise DataError(f"{str(path)[:_LONGEST_NAME]} cannot be read: {error.strerror}") from error
    except ValueError as error:  # such as a zero byte in a name
        raise DataError(f"{str(path)[:_LONGEST_NAME]!r} cannot be read: invalid name") from error
    if not path.is_file():
        raise DataError(f"there is no file {path}" if not path.exists() else f"{path} is not a file")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} has none of the endings {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: it has 0 bytes")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} cannot be read: Permission denied")


@contextmanager
def open_content(path: Path) -> Iterator[Content]:
    """The bytes of an image's file; raises DataError unless it has some, and the suffix of a format that is read."""
    check_file(path)
    with path.open("rb") as stream:
        yield Content(stream, path.stat().st_size, str(path))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except (DataError, MissingExtraError):
        raise
    except Exception as error:  # the readers raise nearly anything for a damaged file
        raise DataError(f"{name} cannot be read: {describe_error(error)}") from error
