"""The table of file formats: how the files of each are recognized, read as a whole, read by windows, and written.

A format that is added here is read by training, checks and prediction alike.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from unetzoo.data.formats.arrays import SIGNATURES as NUMPY
from unetzoo.data.formats.arrays import array_windows, glance_array, read_array, write_array
from unetzoo.data.formats.content import Content, Glance, Known, Raster, Role
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.pictures import glance_picture, read_picture, write_png
from unetzoo.data.formats.tiff import SIGNATURES as TIFF
from unetzoo.data.formats.tiff import glance_tiff, read_tiff, tiff_grid, tiff_windows, write_tiff
from unetzoo.data.formats.windows import Rows, Windows
from unetzoo.data.formats.zarr import SUFFIX as ZARR
from unetzoo.data.formats.zarr import write_zarr
from unetzoo.errors import DataError


@dataclass(frozen=True)
class Format:
    """How the files of a format are recognized, read and written.

    Attributes:
        name: for people.
        suffixes: of its files, in lower case.
        signatures: how its files begin; empty: its files are folders, which are read by windows alone.
        read: the stored pixels.
        glance: what a file says of its pixels, without decoding them.
        grid: where the pixels of a file lie, without decoding them; None: the format does not say, and a result that
            is written into it has no grid.
        windows: opens a path and its content with what is known of the image and the bytes of pixels up to which a
            file is read as a whole; gives None for such a file. None: all files are read as a whole.
        write: writes rows into a path; None: not written.
        has_palette: a result of class ids can have colors.
        holds_arrays: holds several planes and fractions, such as probabilities.
    """

    name: str
    suffixes: tuple[str, ...]
    signatures: tuple[bytes, ...] = ()
    read: Callable[[Content, Role, Known], Raster] = read_picture
    glance: Callable[[Content], Glance] = glance_picture
    grid: Callable[[Content], Grid] | None = None
    windows: Callable[[Path, Content, Known, int], AbstractContextManager[Windows | None]] | None = None
    write: Callable[[Rows, Path], None] | None = None
    has_palette: bool = False
    holds_arrays: bool = False


FORMATS = (
    Format("PNG", (".png",), (b"\x89PNG\r\n\x1a\n",), write=write_png, has_palette=True),
    Format("JPEG", (".jpg", ".jpeg"), (b"\xff\xd8\xff",)),
    Format("BMP", (".bmp",), (b"BM",)),
    Format("GIF", (".gif",), (b"GIF87a", b"GIF89a")),
    Format("WebP", (".webp",), (b"RIFF",)),
    Format(
        "TIFF", (".tif", ".tiff"), TIFF, read_tiff, glance_tiff, tiff_grid, tiff_windows, write_tiff,
        has_palette=True, holds_arrays=True,
    ),
    Format(
        "NumPy array", (".npy",), NUMPY, read_array, glance_array, windows=array_windows, write=write_array,
        holds_arrays=True,
    ),
    Format("Zarr array", (ZARR,), write=write_zarr, holds_arrays=True),
)  # fmt: skip

SUFFIXES = tuple(suffix for format_ in FORMATS for suffix in format_.suffixes if format_.signatures)
"""Of the files of images and masks that training reads, in lower case."""
IMAGE_SUFFIXES = tuple(suffix for format_ in FORMATS for suffix in format_.suffixes)
"""Of the images that prediction reads, in lower case."""
FORMAT_OF = {suffix: format_ for format_ in FORMATS for suffix in format_.suffixes}
"""The format that the suffix of a result stands for; files that are read have that of their content."""
_LONGEST_SIGNATURE = 8  # bytes


def format_of(content: Content) -> Format:
    """The format of a file's content, whatever its name.

    Raises:
        DataError: the format is not read.
    """
    content.stream.seek(0)
    beginning = content.stream.read(_LONGEST_SIGNATURE)
    for format_ in FORMATS:
        if format_.signatures and beginning.startswith(format_.signatures):
            return format_
    *names, last = (format_.name for format_ in FORMATS if format_.signatures)
    raise DataError(f"{content.name} cannot be read: it holds no {', '.join(names)} or {last}")


def writer_of(path: Path) -> Callable[[Rows, Path], None]:
    """What writes a result in the format of its path's suffix.

    Raises:
        DataError: that format is not written.
    """
    writers = {suffix: format_.write for suffix, format_ in FORMAT_OF.items() if format_.write}
    if path.suffix.lower() not in writers:
        raise DataError(f"{path} has none of the endings that can be written: {', '.join(writers)}")
    return writers[path.suffix.lower()]
