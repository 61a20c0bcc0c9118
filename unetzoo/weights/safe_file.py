"""Read a safetensors file through one open file, so that the digest is that of the tensors that are read.

The safetensors library maps files into memory: rewriting a file in place would change a loaded network, and truncating
it would crash the process. Format: https://huggingface.co/docs/safetensors.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

import torch
from torch import Tensor

from unetzoo.errors import WeightsError, describe_error

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.complex64: "C64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_TYPES = {name: dtype for dtype, name in DTYPES.items()}
_LARGEST_HEADER = 2**23  # bytes; some 50,000 tensors
_CHUNK = 2**22
_AXES_OF_KERNELS = 4
_MOST_AXES = 16
_PREFIX = 8  # bytes with the length of the header


@dataclass(frozen=True)
class Stored:
    """The header of a tensor in a file."""

    file: str
    shape: tuple[int, ...]
    dtype: str


class SafeFile:
    """An open safetensors file.

    Args:
        name: name of the file, for errors.
        stream: at its beginning.

    Raises:
        WeightsError: the header is damaged, or does not describe the whole file.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name, self._stream = name, stream
        self._head = self._read_head()
        entries = self._entries()
        self.stored = {key: Stored(name, shape, dtype) for key, (shape, dtype, _) in entries.items()}
        self._order = sorted(entries, key=lambda key: entries[key][2])
        self._check_extent([entries[key] for key in self._order])

    def tensors(self, sha256: str | None) -> dict[str, Tensor]:
        """Copies of the tensors.

        Args:
            sha256: the expected SHA-256 of the file; None: any.

        Raises:
            WeightsError: the file has another digest, or was changed meanwhile.
        """
        self._stream.seek(0)
        if self._stream.read(len(self._head)) != self._head:
            raise WeightsError(f"{self.name} was changed while it was read: load it again")
        hashed = None if sha256 is None else hashlib.sha256(self._head)
        tensors = {key: self._next(self.stored[key], hashed) for key in self._order}
        if hashed is not None and hashed.hexdigest() != sha256:
            raise WeightsError(
                f"{self.name} is not the file that was saved with this config.json: download or save it again"
            )
        return tensors

    def _read_head(self) -> bytes:
        prefix = self._stream.read(_PREFIX)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < _PREFIX or length > self._size() - _PREFIX:
            raise self._damaged("it ends within its header")
        if length > _LARGEST_HEADER:
            raise self._damaged(f"its header has {length:,} bytes; at most {_LARGEST_HEADER:,} are read")
        return prefix + self._stream.read(length)

    def _size(self) -> int:
        return os.fstat(self._stream.fileno()).st_size

    def _entries(self) -> dict[str, tuple[tuple[int, ...], str, tuple[int, int]]]:
        """Shape, type, and first and last byte of each tensor."""
        try:
            header = json.loads(self._head[_PREFIX:].decode("utf-8"), object_pairs_hook=_distinct)
            header.pop("__metadata__", None)
            return {key: _entry(**entry) for key, entry in header.items()}
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise self._damaged(describe_error(error)) from error

    def _check_extent(self, entries: Iterable[tuple[tuple[int, ...], str, tuple[int, int]]]) -> None:
        """Raise WeightsError unless the tensors fill the file without gaps or overlaps."""
        end = 0
        for shape, dtype, (start, stop) in entries:
            if start != end or stop - start != math.prod(shape) * _TYPES[dtype].itemsize:
                raise self._damaged("its tensors have gaps, overlaps or a wrong number of bytes")
            end = stop
        if len(self._head) + end != self._size():
            raise self._damaged(f"its tensors take {len(self._head) + end:,} bytes, but it has {self._size():,}")

    def _next(self, stored: Stored, hashed: Any) -> Tensor:  # noqa: ANN401 - hashlib's objects have no public type
        """Read the next tensor of the file."""
        dtype = _TYPES[stored.dtype]
        data = torch.empty(math.prod(stored.shape) * dtype.itemsize, dtype=torch.uint8)
        read_into(self._stream, data, self.name)
        if hashed is not None:
            hashed.update(_bytes_of(data))
        tensor = data.view(dtype).reshape(stored.shape)
        # converted one by one, so that only one kernel at a time is in memory twice
        return tensor.to(memory_format=torch.channels_last) if tensor.ndim == _AXES_OF_KERNELS else tensor

    def _damaged(self, why: str) -> WeightsError:
        return WeightsError(f"{self.name} is damaged or not a safetensors file: {why}")


def digest(stream: IO[bytes]) -> str:
    """The SHA-256 of an open file, in hexadecimal."""
    sha256 = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        sha256.update(chunk)
    return sha256.hexdigest()


def read_into(stream: IO[bytes], data: Tensor, name: str) -> None:
    """Fill a tensor of bytes from a file; WeightsError if the file ends before or cannot be read."""
    left = _bytes_of(data)
    try:
        while left:
            count = stream.readinto(left)  # type: ignore[attr-defined] # every buffered stream has it
            if not count:
                raise WeightsError(f"{name} was truncated while it was read: load it again")
            left = left[count:]
    except OSError as error:
        raise WeightsError(f"{name} cannot be read: {error}") from error


def _bytes_of(data: Tensor) -> memoryview:
    array: Any = data.numpy()
    return memoryview(array)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name occurs twice")
    return entries


def _entry(dtype: object, shape: object, data_offsets: object) -> tuple[tuple[int, ...], str, tuple[int, int]]:
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise ValueError(f"a tensor has the type {str(dtype)[:20]!r}; read are {', '.join(_TYPES)}")
    start, stop = _counts(data_offsets)
    return _counts(shape), dtype, (start, stop)


def _counts(values: object) -> tuple[int, ...]:
    if (
        not isinstance(values, list)
        or len(values) > _MOST_AXES
        or not all(type(value) is int and 0 <= value < 2**63 for value in values)
    ):
        raise ValueError("a shape or an offset is not a list of whole numbers")
    return tuple(values)
