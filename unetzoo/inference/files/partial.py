"""A file of finished rows: they are appended one after the other, and survive a kill."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.locks import held
from unetzoo.errors import DataError

_MAGIC = b"unetzoo rows 2\n"
_DIGEST = 32  # bytes
_HEADER = len(_MAGIC) + _DIGEST
_ROWS = 1024  # read at once


def has_begun(path: Path, made_of: Mapping[str, Any]) -> bool:
    """Whether a file of finished rows exists that was made of the same."""
    try:
        with path.open("rb") as file:
            return file.read(_HEADER) == _header(made_of)
    except OSError:
        return False


def discard(path: Path) -> None:
    """Delete a file of rows that is no longer needed, unless another process is writing it."""
    if not path.exists():
        return
    try:
        with _lock(path):
            path.unlink(missing_ok=True)
    except DataError:  # somebody is writing it
        return


class PartialResult:
    """A file of finished rows, from the top, after a header that identifies what they are made of.

    The file is locked while it is open.

    Args:
        path: of the file; existing rows are kept if they were made of the same.
        made_of: plain data that determines the result, with its shape and type.
        shape: of the whole result, (h, w) or (channels, h, w).
        dtype: of its values.

    Attributes:
        axes: names of the axes, of which `shape` has the last ones.

    Raises:
        DataError: another process is writing the file.
        OSError: it cannot be written.
    """

    axes = "CYX"

    def __init__(self, path: Path, made_of: Mapping[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path = path
        self.shape = shape
        self.dtype = dtype
        *channels, self.height, width = shape
        self._row = (*channels, width)
        self._row_bytes = int(np.prod(self._row)) * dtype.itemsize
        with ExitStack() as stack:
            stack.enter_context(_lock(path))
            self._file = stack.enter_context(path.open("r+b" if path.exists() else "w+b"))
            if self._file.read(_HEADER) != _header(made_of):
                self._begin(_header(made_of))
            self._open = stack.pop_all()
        self.rows = min(self.height, (self.path.stat().st_size - _HEADER) // self._row_bytes)

    def _begin(self, header: bytes) -> None:
        """Write the header of a file without rows; leave no file if that fails."""
        try:
            self._file.truncate(0)
            self._file.seek(0)
            self._file.write(header)
            self._file.flush()
        except OSError:
            self.path.unlink(missing_ok=True)
            raise

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file; without rows, delete it."""
        if not self.rows:
            self.path.unlink(missing_ok=True)
        self._open.close()

    def write(self, top: int, rows: NDArray[Any]) -> None:
        """Write finished rows (rows, w) or (channels, rows, w) at `top`, and drop those below them."""
        place = _HEADER + top * self._row_bytes
        self._file.seek(place)
        self._file.truncate()
        self._file.write(np.ascontiguousarray(np.moveaxis(rows, -2, 0), dtype=self.dtype).data)
        self._file.flush()
        self.rows = top + rows.shape[-2]

    def blocks(self, rows: int = _ROWS) -> Iterator[tuple[int, NDArray[Any]]]:
        """The finished rows from the top, `rows` at once: the number of the first, and the array that `write` takes."""
        for top in range(0, self.height, rows):
            yield top, self.read(top, min(top + rows, self.height))

    def read(self, first: int, beyond: int) -> NDArray[Any]:
        """The finished rows from `first` to the one before `beyond`, the array that `write` takes."""
        self._file.seek(_HEADER + first * self._row_bytes)
        values = np.frombuffer(self._file.read((beyond - first) * self._row_bytes), dtype=self.dtype)
        return np.moveaxis(values.reshape(beyond - first, *self._row), 0, -2)

    def in_place(self) -> NDArray[Any]:
        """All rows (h, w), once they are finished, as a memory map that may be changed."""
        return np.memmap(self.path, dtype=self.dtype, mode="r+", offset=_HEADER, shape=(self.height, *self._row))

    def remove(self) -> None:
        """Delete the file, whose rows are in the result now."""
        self.path.unlink(missing_ok=True)


class Plane:
    """One plane (h, w) of a result (planes, h, w), which is read from the result.

    Args:
        result: all planes.
        number: of this one.
    """

    axes = "CYX"

    def __init__(self, result: PartialResult, number: int) -> None:
        self._result, self._number = result, number
        self.shape, self.dtype = result.shape[1:], result.dtype

    def blocks(self, rows: int = _ROWS) -> Iterator[tuple[int, NDArray[Any]]]:
        """As those of the result, of this plane alone."""
        for top, block in self._result.blocks(rows):
            yield top, block[self._number]


def _header(made_of: Mapping[str, Any]) -> bytes:
    """The magic number and a digest, always of the same length."""
    return _MAGIC + blake2b(json.dumps(made_of, sort_keys=True).encode(), digest_size=_DIGEST).digest()


def _lock(path: Path) -> AbstractContextManager[None]:
    busy = DataError(f"another process is writing {path}; run the command again once it is done")
    return held(path.with_suffix(".lock"), busy)
