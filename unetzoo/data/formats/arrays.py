"""NumPy's files."""

import math

import numpy as np

from unetzoo.data.formats.content import Content, Known, Raster, channels_last
from unetzoo.data.formats.limits import check_memory
from unetzoo.errors import DataError

SIGNATURES = (b"\x93NUMPY",)


def read_array(content: Content, known: Known) -> Raster:
    """The array of a NPY file, its channels last.

    Raises:
        DataError: it is shorter than it says, holds no numbers, or needs more memory than there is.
    """
    _check_header(content)
    content.stream.seek(0)
    pixels = np.lib.format.read_array(content.stream, allow_pickle=False)
    return Raster(channels_last(pixels, known))


def _check_header(content: Content) -> None:
    """Raise DataError unless the numbers that a file announces are all there."""
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
