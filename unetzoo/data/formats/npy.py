"""NumPy's files."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.axes import image_shape, nameless_axes, nameless_volume_axes, read_window
from unetzoo.data.formats.content import Content
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.raster import Raster, ResultArray, Window, is_whole, planes_of
from unetzoo.errors import DataError


@contextmanager
def open_npy(content: Content) -> Iterator[Raster]:
    """The array of a file, which is mapped into memory.

    Raises:
        DataError: it is shorter than it announces, does not hold numbers, or is not an image.
    """
    shape, dtype = _header(content)
    is_volume, name = content.known.is_volume, content.name
    order = nameless_volume_axes(shape, name) if is_volume else nameless_axes(shape, name, content.known)
    array = _array(content)
    size = image_shape(shape, order, is_volume=is_volume)

    def read(window: Window) -> NDArray[Any]:
        if is_whole(window, size):
            check_memory(content.name, array.nbytes)
        return np.array(read_window(array, order, window))

    is_mapped = content.path is not None
    yield Raster(shape=size, dtype=dtype, read=read, is_mapped=is_mapped, block=(1, *size[1:3]) if is_volume else ())


def write_npy(path: Path, result: ResultArray) -> None:
    """Write a result as a NPY file."""
    header = {"descr": np.lib.format.dtype_to_descr(result.dtype), "fortran_order": False, "shape": result.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for plane in planes_of(result):
            for _, block in result.blocks():
                file.write(np.ascontiguousarray(block[plane]).data)


def _array(content: Content) -> NDArray[Any]:
    if content.path is not None:
        return np.lib.format.open_memmap(content.path, mode="r")
    content.stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(content.stream, allow_pickle=False)
    return array


def _header(content: Content) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type; raises DataError unless the file holds all numbers that it announces."""
    content.stream.seek(0)
    version = np.lib.format.read_magic(content.stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(content.stream)
    if dtype.kind not in "buif":
        raise DataError(f"{content.name}: pixels must be numbers, but these are {dtype}")
    announced, stored = math.prod(shape) * dtype.itemsize, content.size - content.stream.tell()
    if announced > stored or min(shape, default=0) < 0:
        raise DataError(f"{content.name} announces an array {shape} of {dtype}, but {stored:,} bytes follow")
    return shape, dtype
