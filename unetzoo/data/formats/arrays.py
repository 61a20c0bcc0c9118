"""NumPy's files."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from unetzoo.data.formats.content import Content, Glance, Known, Raster, Role, channels_last
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.windows import Rows, Windows, nameless_windows, planes_of
from unetzoo.errors import DataError, describe_error

SIGNATURES = (b"\x93NUMPY",)


def read_array(content: Content, role: Role, known: Known) -> Raster:
    """The array of a NPY file, its channels last.

    Raises:
        DataError: it is shorter than it announces, does not hold numbers, or needs more memory than is free.
    """
    _ = role
    _check_header(content)
    content.stream.seek(0)
    pixels = np.lib.format.read_array(content.stream, allow_pickle=False)
    return Raster(channels_last(pixels, known))


def glance_array(_: Content) -> Glance:
    """An array is not turned."""
    return Glance()


@contextmanager
def array_windows(path: Path, _content: Content, known: Known, _whole: int) -> Iterator[Windows]:
    """The array of a file, which is mapped into memory."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    yield nameless_windows(array, path, known)


def write_array(rows: Rows, path: Path) -> None:
    """Write rows as a NPY file."""
    header = {"descr": np.lib.format.dtype_to_descr(rows.dtype), "fortran_order": False, "shape": rows.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for plane in planes_of(rows):
            for _, block in rows.blocks():
                file.write(np.ascontiguousarray(block[plane]).data)


def _check_header(content: Content) -> None:
    """Raise DataError unless the file holds all numbers that it announces."""
    content.stream.seek(0)
    version = np.lib.format.read_magic(content.stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(content.stream)
    if dtype.kind not in "buif":
        raise DataError(f"{content.name}: pixels must be numbers, but these are {dtype}")
    announced, stored = math.prod(shape) * dtype.itemsize, content.size - content.stream.tell()
    if announced > stored or min(shape, default=0) < 0:
        raise DataError(f"{content.name} announces an array {shape} of {dtype}, but {stored:,} bytes follow")
    check_memory(content.name, announced)
