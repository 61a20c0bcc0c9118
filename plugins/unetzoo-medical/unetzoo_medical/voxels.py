"""The voxels that follow a header: windows of them, or all if they are compressed; and those of a result."""

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError
from unetzoo.data.formats import Content, ResultArray, Window, check_backed, check_memory

_CHUNK = 2**20  # compressed bytes at once
_ANY_HEADER = 47  # for zlib: gzip or zlib, whichever it is


@dataclass(frozen=True, kw_only=True)
class Stored:
    """How a file stores voxels, neighbors along x one after the other.

    Attributes:
        size: numbers of voxels along x, y and z.
        dtype: of the values, with their order of bytes.
        channels: values of each voxel.
        interleaved: whether the values of a voxel follow one another; else the volumes of the channels do.
        offset: bytes before the first value, after decompression if all is compressed.
        compressed_from: where compressed bytes begin; None: they are not compressed.
    """

    size: tuple[int, int, int]
    dtype: np.dtype[Any]
    channels: int = 1
    interleaved: bool = False
    offset: int = 0
    compressed_from: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """As stored, the fastest axis first."""
        return (self.channels, *self.size) if self.interleaved else (*self.size, self.channels)

    @property
    def nbytes(self) -> int:
        """Of all values."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def block(self) -> tuple[int, ...]:
        """As of `Raster`: slices; compressed voxels are decoded as a whole."""
        return () if self.compressed_from is not None else (1, self.size[1], self.size[0])


def reader(content: Content, stored: Stored) -> Callable[[Window], NDArray[Any]]:
    """What reads windows (d, h, w, c).

    Raises:
        DataError: the file is too short for what it announces, or the memory is.
    """
    _check(content, stored)
    whole = cache(lambda: _inflated(content, stored))

    def read(window: Window) -> NDArray[Any]:
        z, y, x = window
        index = (slice(None), x, y, z) if stored.interleaved else (x, y, z, slice(None))
        part = whole()[index] if stored.compressed_from is not None else _slice(content, stored, index)
        return part.transpose(3, 2, 1, 0) if stored.interleaved else part.transpose(2, 1, 0, 3)

    return read


def _check(content: Content, stored: Stored) -> None:
    name, size = content.name, stored.size
    if min(stored.shape) < 1:
        raise DataError(f"{name} cannot be read: its header announces {size} voxels with {stored.channels} channels")
    if stored.compressed_from is not None:
        check_backed(name, stored.nbytes, content.size)
    elif stored.offset + stored.nbytes > content.size:
        raise DataError(
            f"{name} is incomplete: its header announces {stored.nbytes:,} bytes of voxels, but "
            f"{max(0, content.size - stored.offset):,} follow"
        )


def _slice(content: Content, stored: Stored, index: tuple[slice, ...]) -> NDArray[Any]:
    from nibabel.fileslice import fileslice

    counts = (len(range(*part.indices(length))) for part, length in zip(index, stored.shape, strict=True))
    check_memory(content.name, 2 * math.prod(counts) * stored.dtype.itemsize)
    part: NDArray[Any] = fileslice(content.stream, index, stored.shape, stored.dtype, stored.offset, order="F")
    return part


def _inflated(content: Content, stored: Stored) -> NDArray[Any]:
    check_memory(content.name, 2 * stored.nbytes)
    content.stream.seek(stored.compressed_from or 0)
    values = inflate(content.stream, stored.offset, stored.nbytes)
    if len(values) < stored.nbytes:
        raise DataError(
            f"{content.name} is incomplete: its header announces {stored.nbytes:,} bytes of voxels, but "
            f"{len(values):,} are there after decompression"
        )
    return np.frombuffer(values, stored.dtype).reshape(stored.shape, order="F")


def inflate(stream: IO[bytes], skip: int, count: int) -> bytearray:
    """What gzip or zlib compressed, in one part or several: `count` bytes after the first `skip`, fewer at the end."""
    inflated, decompressor = bytearray(), zlib.decompressobj(_ANY_HEADER)
    waiting = b""
    while len(inflated) < count:
        waiting = waiting or stream.read(_CHUNK)
        if decompressor.eof:
            waiting = waiting.lstrip(b"\0")  # zeros may fill the end
            decompressor = zlib.decompressobj(_ANY_HEADER)
        part = decompressor.decompress(waiting, min(_CHUNK, skip + count - len(inflated)))
        if not waiting and not part:
            break
        waiting = decompressor.unconsumed_tail or decompressor.unused_data
        dropped = min(skip, len(part))
        skip -= dropped
        inflated += memoryview(part)[dropped:]
    return inflated


def values_of(result: ResultArray) -> NDArray[Any]:
    """All values of a result, (x, y, z), or (x, y, z, c) for planes and colors."""
    axes = result.axes.replace("S", "C")
    values = np.empty(result.shape, result.dtype)
    first = axes.index("Z" if "Z" in axes else "Y")
    for top, block in result.blocks():
        values[(slice(None),) * first + (slice(top, top + block.shape[first]),)] = block
    if "Z" not in axes:
        values, axes = values[None], f"Z{axes}"
    return values.transpose([axes.index(axis) for axis in "XYZC" if axis in axes])


def planes(values: NDArray[Any]) -> Iterator[bytes]:
    """Values in the order of files, the first axis fastest and bytes little-endian, a plane of two axes at once."""
    for plane in values.reshape(*values.shape[:2], -1, order="F").transpose(2, 1, 0):
        yield plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes()
