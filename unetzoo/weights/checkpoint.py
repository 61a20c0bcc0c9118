"""Read the tensors of a torch checkpoint: a zip archive of one pickle and of storages, none of them compressed.

torch's own reader takes gigabytes for a hostile file of kilobytes. A state_dict needs few operations of a pickle, and
none that calls a function.
"""

import io
import math
import os
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

import torch
from torch import Tensor

from unetzoo.errors import WeightsError, describe_error
from unetzoo.weights.safe_file import DTYPES, Stored, digest, read_into
from unetzoo.weights.state_pickle import state_of

_LARGEST_PICKLE = 2**20  # bytes; some 5,000 tensors
_LARGEST_READ = 2**20


class _Sparing(io.BufferedReader):
    """A file that refuses to read more than a megabyte at once, such as a list of a million members."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _LARGEST_READ
        if size > _LARGEST_READ:
            raise zipfile.BadZipFile(f"{size:,} bytes would be read at once")
        return super().read(size)


@dataclass(frozen=True)
class _Members:
    """The members of the archive: the pickle, and the storages by key."""

    pickle: zipfile.ZipInfo
    storages: dict[str, zipfile.ZipInfo]


class TorchFile:
    """An open torch checkpoint.

    Args:
        name: of the file, for errors.
        stream: at its beginning.

    Raises:
        WeightsError: it is damaged, compressed, or holds more than tensors.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name, self._stream = name, stream
        try:
            self._archive = zipfile.ZipFile(_Sparing(io.FileIO(stream.fileno(), closefd=False)))
            self._members = self._find_members()
            self._layouts = state_of(self._archive.read(self._members.pickle))
            self._check_extent()
        except Exception as error:  # a damaged or hostile file may make the readers raise anything
            problem = f"{name} is damaged, or holds more than tensors and could run code: it is not read"
            raise WeightsError(f"{problem} ({describe_error(error)[:200]})") from error
        self.stored = {key: Stored(name, item.shape, DTYPES[item.dtype]) for key, item in self._layouts.items()}

    def tensors(self, sha256: str | None) -> dict[str, Tensor]:
        """Copies of the tensors; those of one storage share it.

        Raises:
            WeightsError: the file has another digest, or is damaged.
        """
        if sha256 is not None and digest(self._stream) != sha256:
            raise WeightsError(
                f"{self.name} is not the file that was saved with this config.json: download or save it again"
            )
        storages: dict[str, Tensor] = {}
        try:
            for layout in self._layouts.values():
                if layout.storage not in storages:
                    storages[layout.storage] = self._storage(layout.storage)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise WeightsError(f"{self.name} is damaged: {error}") from error
        return {
            key: storages[item.storage].view(item.dtype).as_strided(item.shape, item.stride, item.offset)
            for key, item in self._layouts.items()
        }

    def _find_members(self) -> _Members:
        infos = self._archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size for info in infos):
            raise ValueError("a member is compressed, which torch never does")
        if sum(info.file_size for info in infos) > os.fstat(self._stream.fileno()).st_size:
            raise ValueError("its members claim more bytes than it has")
        (pickle,) = (info for info in infos if info.filename.endswith("/data.pkl"))
        if pickle.file_size > _LARGEST_PICKLE:
            raise ValueError(f"its names take {pickle.file_size:,} bytes; at most {_LARGEST_PICKLE:,} are read")
        home = pickle.filename.removesuffix("data.pkl")
        order = [
            self._archive.read(info) for info in infos if info.filename == f"{home}byteorder" and info.file_size < 10
        ]
        if order not in ([], [b"little"]):
            raise ValueError("its bytes are in another order")
        prefix = f"{home}data/"
        return _Members(pickle, {info.filename.removeprefix(prefix): info for info in infos})

    def _check_extent(self) -> None:
        """Raise ValueError unless each tensor fits into its storage, and all together into the file."""
        total = 0
        for layout in self._layouts.values():
            items, rest = divmod(self._members.storages[layout.storage].file_size, layout.dtype.itemsize)
            last = layout.offset + sum(
                (side - 1) * step for side, step in zip(layout.shape, layout.stride, strict=True) if side
            )
            count = math.prod(layout.shape)
            if rest or (count and (last >= items or count > items)):
                raise ValueError("a tensor is larger than its storage")
            total += count * layout.dtype.itemsize
        if total > 2 * os.fstat(self._stream.fileno()).st_size:
            raise ValueError("its tensors take more than twice as much as it holds")

    def _storage(self, key: str) -> Tensor:
        info = self._members.storages[key]
        data = torch.empty(info.file_size, dtype=torch.uint8)
        with self._archive.open(info) as member:
            for start in range(0, info.file_size, _LARGEST_READ):
                read_into(member, data[start : start + _LARGEST_READ], self.name)
        return data
