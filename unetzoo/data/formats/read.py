"""Read images and masks from files of any format, as a whole or by windows.

The first bytes of a file decide what it is, not its name, unless formats share them.
"""

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from unetzoo.data.formats.channel_files import channel_files, joined
from unetzoo.data.formats.content import NOTHING_KNOWN, Content, Decoded, Glance, Known, Pixels, Role, check_finite
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.limits import WHOLE_BYTES, check_memory
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.sound import explained, sound
from unetzoo.data.formats.table import ending_of, endings, format_of, is_folder_image, resolved, say_disabled
from unetzoo.data.formats.view import View, read_pixels
from unetzoo.data.masks.raw import RawMask
from unetzoo.errors import DataError

_LONGEST_NAME = 200  # letters that an error shows


def read_image(path: str | Path, known: Known = NOTHING_KNOWN) -> Pixels:
    """The pixels of an image (h, w, c), upright, their values as they are in the file.

    A picture or TIFF is turned as its orientation says; a PNG or JPEG loses its alpha channel; a palette becomes
    colors; pixels of one bit are 0 and 255. Pages of a TIFF that are alike are channels; of others the largest is read.
    The channels of a NumPy array with three axes are the first or the last axis, whichever is shorter; likewise of a
    TIFF that Python wrote of such an array without names for its axes. If a file says which value stands for no data,
    as a TIFF does by GDAL's tag, and holds it, the pixels are a masked array.

    Args:
        path: of a file of any format of `unetzoo list formats`.
        known: what decides which axis has the channels.

    Raises:
        DataError: the file is missing, empty or damaged, is of another format, has more axes, holds infinity,
            or announces more pixels than it can hold, or than there is memory for.
        MissingExtraError: the compression of a TIFF, or a PNG of 16 bits and several channels, needs imagecodecs.
    """
    return upright_image(read_decoded(Path(path), "image", known), str(path))


def read_raw_mask(path: str | Path) -> RawMask:
    """The pixels of a mask as its file has them, (h, w), or (h, w, c) for colors or planes, and what it says of them.

    They are upright. Those of a palette are its indices; colors keep their opacity.

    Raises:
        DataError: as `read_image`; or a TIFF holds a volume.
        MissingExtraError: as `read_image`.
    """
    return upright_mask(read_decoded(Path(path), "mask"))


def upright_image(decoded: Decoded, name: str) -> Pixels:
    """The pixels (h, w, c) of an image; raises DataError if they are infinite."""
    pixels = decoded.upright()
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    check_finite(pixels, name)
    return pixels


def upright_mask(decoded: Decoded) -> RawMask:
    """The pixels of a mask, and what its file says of them."""
    return RawMask(decoded.upright(), decoded.marks)


def read_decoded(path: Path, role: Role, known: Known = NOTHING_KNOWN) -> Decoded:
    """The stored pixels of a file, (h, w) or (h, w, c), and how to turn them; raises as `read_image`."""
    with open_content(path) as content:
        return decode(content, role, known)


def decode(content: Content, role: Role, known: Known = NOTHING_KNOWN) -> Decoded:
    """The stored pixels of an image's bytes; raises as `read_image`."""
    with opened(replace(content, role=role, known=known)) as opening:
        raster = _flat(opening, content.name)
        check_memory(content.name, 2 * raster.nbytes)  # as stored and as read
        pixels = read_pixels(raster, raster.whole)
        pixels = pixels[..., 0] if role == "mask" and pixels.shape[-1] == 1 else pixels
        return Decoded(pixels, raster.orientation, raster.marks)


def glance(path: Path, known: Known = NOTHING_KNOWN) -> Glance:
    """What a file says of its pixels, which are not decoded; raises DataError if it cannot be read."""
    with open_content(path) as content:
        return glance_at(replace(content, known=known))


def glance_at(content: Content) -> Glance:
    """What an image's bytes say of its pixels; raises as `glance`."""
    with opened(content) as opening:
        raster = _flat(opening, content.name)
        return Glance((raster.shape[0], raster.shape[1]), raster.orientation, raster.doubt)


def read_grid(path: Path) -> Grid:
    """Where the pixels of an image lie, without decoding them; raises DataError if it cannot be read."""
    with open_raster(path) as raster:
        return raster.grid


@contextmanager
def open_raster(path: str | Path, *, role: Role = "image", known: Known = NOTHING_KNOWN) -> Iterator[Raster]:
    """Open an image of any format; its pixels are not read.

    Args:
        path: of the image.
        role: whether it is an image or a mask.
        known: what decides which axis of an array without names has the channels.

    Raises:
        DataError: as `read_image`, or it is a volume.
        MissingExtraError: the format needs a package that is not installed.
    """
    with open_content(Path(path)) as content, opened(replace(content, role=role, known=known)) as raster:
        yield raster


@contextmanager
def open_image(
    path: Path, *, role: Role = "image", channels: int | None = None, whole: int | None = None
) -> Iterator[Any]:
    """Open an image (h, w, c) that has `shape` and can be sliced.

    A large one is read by windows, of a pyramid its finest level; a small one, and one that is turned, as `read_image`
    does.

    Args:
        path: of the image.
        role: whether it is an image or a mask, such as a label image.
        channels: that a network takes; they decide which axis of an array without names has the channels.
        whole: bytes of pixels up to which an image is read as a whole; None: `WHOLE_BYTES`.

    Raises:
        DataError: as `read_image`.
        MissingExtraError: reading it by windows needs zarr.
    """
    name = str(path)
    with open_raster(path, role=role, known=Known(channels=channels)) as opening:
        raster = _flat(opening, name)
        is_large = raster.is_mapped or raster.nbytes > (WHOLE_BYTES if whole is None else whole)
        if is_large and raster.orientation == 1:
            yield View(raster, name)
        else:
            pixels = read_pixels(raster, raster.whole)
            yield upright_image(Decoded(pixels, raster.orientation), name)


@contextmanager
def opened(content: Content) -> Iterator[Raster]:
    """The raster of an image's bytes, with the channels in further files that belong to it.

    Raises:
        DataError: it cannot be read, or is not an image (h, w, c) of numbers.
        MissingExtraError: the format needs a package that is not installed.
        PluginError: its format gives something else than a sound `Raster`.
    """
    files = channel_files(content.path) if content.path else ()
    with ExitStack() as stack:
        rasters = [stack.enter_context(_opened_file(content))]
        for file in files[1:]:
            further = stack.enter_context(open_content(file))
            rasters.append(stack.enter_context(_opened_file(replace(further, role=content.role, known=content.known))))
        yield joined(rasters, files) if len(rasters) > 1 else rasters[0]


@contextmanager
def _opened_file(content: Content) -> Iterator[Raster]:
    """The raster of one file; raises as `opened`."""
    spec = format_of(content)
    with ExitStack() as stack:
        with explained(content.name, spec):
            raster = stack.enter_context(resolved(spec.open)(content))
        yield sound(raster, content.name, spec)
        with explained(content.name, spec):
            stack.close()


def check_file(path: Path) -> None:
    """Raise DataError unless there is a file with content, or a folder, with the ending of a format that is read."""
    _check_name(path)
    if path.is_dir() and is_folder_image(path):
        return
    if not path.is_file():
        raise DataError(f"there is no file {path}" if not path.exists() else f"{path} is not a file")
    if not ending_of(path.name, endings()):
        raise DataError(f"{path} has none of the endings {', '.join(endings())}{say_disabled()}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: it has 0 bytes")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} cannot be read: Permission denied")


def _check_name(path: Path) -> None:
    try:
        path.stat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise DataError(f"{str(path)[:_LONGEST_NAME]} cannot be read: {error.strerror}") from error
    except ValueError as error:  # such as a zero byte in a name
        raise DataError(f"{str(path)[:_LONGEST_NAME]!r} cannot be read: invalid name") from error


@contextmanager
def open_content(path: Path) -> Iterator[Content]:
    """The bytes of an image's file, or its folder; raises DataError as `check_file`."""
    check_file(path)
    if path.is_dir():
        yield Content(io.BytesIO(), 0, str(path), path)
        return
    with path.open("rb") as stream:
        yield Content(stream, path.stat().st_size, str(path), path)


def _flat(raster: Raster, name: str) -> Raster:
    """The raster of an image; of a volume of one slice that of the slice.

    Raises:
        DataError: it is a volume of several slices.
    """
    depth, *shape = raster.shape if len(raster.shape) == 4 else (1, *raster.shape)
    if depth > 1:
        raise DataError(
            f"{name} is a volume of {depth} slices, where an image is expected: a network that is trained on volumes "
            "reads them slice by slice, and any other one with axes='z' (predict --axes z)"
        )
    if len(raster.shape) == 3:
        return raster
    return replace(raster, shape=tuple(shape), read=lambda window: raster.read((slice(0, 1), *window))[0])
