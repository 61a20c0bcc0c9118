"""Read images and masks from files: PNG, JPEG, BMP, GIF, WebP, TIFF of any depth, NumPy arrays.

What a file is, its first bytes say, not its name: each format has its own module, with the signatures of its files.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unetzoo.data.formats import arrays, pictures, tiff
from unetzoo.data.formats.content import NOTHING_KNOWN, Content, Known, Pixels, Raster, Role
from unetzoo.data.masks.raw import RawMask
from unetzoo.errors import DataError, MissingExtraError, describe_error

_LONGEST_TOLD = 200  # letters of a name
_LONGEST_SIGNATURE = 8  # bytes

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
SUFFIXES = (*PICTURES, ".tif", ".tiff", ".npy")
"""What `read_image` reads, in lower case."""

FORMATS = "PNG, JPEG, BMP, GIF, WebP, TIFF or NumPy array"


def read_image(path: str | Path, known: Known = NOTHING_KNOWN) -> Pixels:
    """The pixels of an image (h, w, c), upright, their values as they are in the file.

    A picture or TIFF is turned as its orientation says; a PNG or JPEG loses its alpha channel; a palette becomes
    colors. The pages of a TIFF that are alike are channels; of others the largest is read. Of a NumPy array with three
    axes the channels are the first or the last, whichever is shorter; so they are of a TIFF that Python wrote of such
    an array without names for its axes. Where a TIFF says by GDAL's tag which value stands for no data, and holds it,
    the pixels are a masked array.

    Args:
        path: of a PNG, JPEG, BMP, GIF, WebP, TIFF or NPY file.
        known: what tells the channels of such an array otherwise.

    Raises:
        DataError: the file is missing, empty or damaged, is of another format, has more axes, holds infinity,
            or announces more pixels than it can hold, or than there is memory for.
        MissingExtraError: the compression of a TIFF, or a PNG of 16 bits and several channels, needs imagecodecs.
    """
    return upright_image(read_raster(Path(path), "image", known), str(path))


def upright_image(raster: Raster, name: str) -> Pixels:
    """The pixels (h, w, c) of what was read as an image; raises DataError where they are infinite."""
    pixels = raster.upright()
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    check_finite(pixels, name)
    return pixels


def check_finite(pixels: Pixels, name: str) -> None:
    """Raise DataError where values are infinite; NaN stands for no data."""
    if pixels.dtype.kind == "f" and (infinite := np.ma.filled(np.isinf(pixels), False)).any():
        bad = np.count_nonzero(infinite)
        raise DataError(f"{name}: {bad:,} of its {pixels.size:,} values are infinite")


def read_raw_mask(path: str | Path) -> RawMask:
    """The pixels of a mask as its file has them, (h, w), or (h, w, c) for colors or planes, and what it says of them.

    They are upright. Of a palette they are its indices; colors keep their opacity.

    Raises:
        DataError: as `read_image`; or a TIFF holds a volume.
        MissingExtraError: as `read_image`.
    """
    return upright_mask(read_raster(Path(path), "mask"))


def upright_mask(raster: Raster) -> RawMask:
    """The pixels of what was read as a mask, and what its file says of them."""
    return RawMask(raster.upright(), raster.marks)


def read_raster(path: Path, role: Role, known: Known = NOTHING_KNOWN) -> Raster:
    """The stored pixels of a file, (h, w) or (h, w, c), and how they are to be turned.

    Raises:
        DataError: as `read_image`.
        MissingExtraError: as `read_image`.
    """
    check_file(path)
    with path.open("rb") as stream:
        return decode(Content(stream, path.stat().st_size, str(path)), role, known)


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


def glance(path: Path) -> Glance:
    """What a file says of its pixels, which are not decoded.

    Raises:
        DataError: it cannot be read.
    """
    check_file(path)
    with path.open("rb") as stream:
        content = Content(stream, path.stat().st_size, str(path))
        try:
            return _glance(format_of(content), content)
        except DataError:
            raise
        except Exception as error:  # as in `decode`
            raise DataError(f"{content.name} cannot be read: {describe_error(error)}") from error


def _glance(kind: str, content: Content) -> Glance:
    if kind == "picture":
        with pictures.open_picture(content) as picture:
            return Glance(picture.size[::-1], pictures.orientation_of(picture))
    return Glance(*tiff.glance(content)) if kind == "tiff" else Glance()


def decode(content: Content, role: Role, known: Known = NOTHING_KNOWN) -> Raster:
    """The stored pixels of an image's bytes, see `read_raster`."""
    kind = format_of(content)
    try:
        raster = _decode(kind, content, role, known)
    except (DataError, MissingExtraError):
        raise
    except Exception as error:  # the readers raise nearly anything for a damaged file
        raise DataError(f"{content.name} cannot be read: {describe_error(error)}") from error
    pixels = raster.pixels
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise DataError(f"{content.name}: an image must be (h, w) or (h, w, channels), but this is {pixels.shape}")
    if pixels.dtype.kind not in "buif":
        raise DataError(f"{content.name}: pixels must be numbers, but these are {pixels.dtype}")
    return raster


def _decode(kind: str, content: Content, role: Role, known: Known) -> Raster:
    if kind == "tiff":
        return tiff.read_tiff(content, role, known)
    return arrays.read_array(content, known) if kind == "array" else pictures.read_picture(content, role)


def format_of(content: Content) -> str:
    """`"picture"`, `"tiff"` or `"array"`, by the first bytes.

    Raises:
        DataError: it is nothing that is read.
    """
    content.stream.seek(0)
    beginning = content.stream.read(_LONGEST_SIGNATURE)
    for kind, signatures in (("picture", pictures.SIGNATURES), ("tiff", tiff.SIGNATURES), ("array", arrays.SIGNATURES)):
        if beginning.startswith(signatures):
            return kind
    raise DataError(f"{content.name} cannot be read: it holds no {FORMATS}")


def check_file(path: Path) -> None:
    """Raise DataError unless there is a file with something in it, of a format that can be read."""
    try:
        path.stat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise DataError(f"{str(path)[:_LONGEST_TOLD]} cannot be read: {error.strerror}") from error
    except ValueError as error:  # such as a zero byte in a name
        raise DataError(f"{str(path)[:_LONGEST_TOLD]!r} cannot be read: invalid name") from error
    if not path.is_file():
        raise DataError(f"there is no file {path}" if not path.exists() else f"{path} is no file")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} has none of the endings {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: it has 0 bytes")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} cannot be read: Permission denied")
