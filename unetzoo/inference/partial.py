"""Rows of a result on their way to a file: appended as they are finished, and still there after a kill."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import DataError

_HEADER = 4096  # bytes
_ROWS = 1024  # read at once


class PartialResult:
    """A file of finished rows, from the top; it begins with what they are the result of.

    Args:
        path: of the file; rows that are there are kept if they were made of the same, else they are made anew.
        made_of: plain data: image, network, options.
        shape: of the whole result, (h, w) or (channels, h, w).
        dtype: of its values.

    Raises:
        DataError: the file cannot be written, or another process is writing it.
    """

    def __init__(self, path: Path, made_of: Mapping[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path = path
        self.shape = shape
        self.dtype = dtype
        *channels, self.height, width = shape
        self._row = (*channels, width)
        self._row_bytes = int(np.prod(self._row)) * dtype.itemsize
        header = json.dumps({**made_of, "shape": shape, "dtype": str(dtype)}).encode().ljust(_HEADER)
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        self._lock()
        if self._file.read(_HEADER) != header:
            self._begin(header)
        self.rows = (self.path.stat().st_size - _HEADER) // self._row_bytes

    def _begin(self, header: bytes) -> None:
        """Write the header of a file without rows, or leave none."""
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
        """Close the file, which stays where rows were finished and the result is not complete."""
        if not self.rows:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def write(self, top: int, rows: NDArray[Any]) -> None:
        """Put finished rows (rows, w) or (channels, rows, w) at `top`, and forget what is below them."""
        place = _HEADER + top * self._row_bytes
        self._file.seek(place)
        self._file.truncate()
        self._file.write(np.ascontiguousarray(np.moveaxis(rows, -2, 0), dtype=self.dtype).data)
        self._file.flush()
        self.rows = top + rows.shape[-2]

    def blocks(self, rows: int = _ROWS) -> Iterator[tuple[int, NDArray[Any]]]:
        """The finished rows, as many at once, from the top: the first one's number, and as `write` took them."""
        for top in range(0, self.height, rows):
            count = min(rows, self.height - top)
            self._file.seek(_HEADER + top * self._row_bytes)
            found = np.frombuffer(self._file.read(count * self._row_bytes), dtype=self.dtype)
            yield top, np.moveaxis(found.reshape(count, *self._row), 0, -2)

    def remove(self) -> None:
        """Delete the file: its rows are elsewhere now."""
        self.path.unlink(missing_ok=True)

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DataError(f"another process is writing {self.path}; wait for it") from error
