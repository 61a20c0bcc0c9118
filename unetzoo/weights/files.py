"""Read a folder as untrusted data: no code runs, and nothing outside of the folder is read."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from torch import Tensor

from unetzoo.errors import ConfigError, UnetzooError, WeightsError
from unetzoo.weights.checkpoint import TorchFile
from unetzoo.weights.confined import open_inside, read_text
from unetzoo.weights.safe_file import SafeFile, Stored
from unetzoo.weights.transaction import current

CHECKPOINT = "pytorch_model.bin"
CONFIG, WEIGHTS, INDEX, CARD = "config.json", "model.safetensors", "model.safetensors.index.json", "README.md"
PICTURE = "prediction.png"
LARGEST_CONFIG = 2**20  # bytes
_LARGEST_INDEX = 2**22  # bytes
MOST_FILES = 500  # open at once
_TRIES = 100


@dataclass(frozen=True)
class Snapshot:
    """The open files of one state of a folder; a save meanwhile does not change them.

    Attributes:
        config: the configuration, as plain data.
        files: the files of tensors, by name.
    """

    config: dict[str, Any]
    files: Mapping[str, BinaryIO]


@contextmanager
def opened(folder: Path) -> Iterator[Snapshot]:
    """The configuration and the weights of a folder, of one state even if another process saves into it.

    Raises:
        ConfigError: there is no configuration, or it is not a JSON mapping of a reasonable size.
        WeightsError: there are no weights, a file is missing or not a regular file, or the index names files outside of
            the folder.
    """
    with ExitStack() as streams:
        yield _consistent(folder, streams)


def _consistent(folder: Path, streams: ExitStack) -> Snapshot:
    """Open the files until they belong to one state: each state has another config.json."""
    for _ in range(_TRIES):
        before = _state(folder)
        try:
            with ExitStack() as attempt:
                config = attempt.enter_context(open_inside(folder, CONFIG, ConfigError))
                snapshot = Snapshot(_parsed(config, CONFIG, LARGEST_CONFIG), _open_weights(folder, attempt))
                if _identity(os.fstat(config.fileno())) == _state(folder)[1]:
                    streams.enter_context(attempt.pop_all())
                    return snapshot
        except UnetzooError:
            if _state(folder) == before:
                raise
    raise WeightsError(f"another process keeps saving into {str(folder)!r}: no consistent state can be read")


def _state(folder: Path) -> tuple[Path, tuple[int, ...] | None]:
    """Path and identity of the current configuration."""
    path = current(folder, CONFIG)
    try:
        return path, _identity(path.stat())
    except (OSError, ValueError):
        return path, None


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino


def _open_weights(folder: Path, streams: ExitStack) -> dict[str, BinaryIO]:
    names = _weight_names(folder)
    if len(names) > MOST_FILES:
        raise WeightsError(f"{INDEX} names {len(names):,} files; at most {MOST_FILES} are read: save with larger ones")
    for name in names:
        if Path(name).name != name or not (name.endswith(".safetensors") or name == CHECKPOINT):
            raise WeightsError(f"{name[:80]!r} is not the name of a .safetensors file in this folder")
    return {name: streams.enter_context(open_inside(folder, name)) for name in names}


def _weight_names(folder: Path) -> list[str]:
    if not os.path.lexists(current(folder, INDEX)):
        is_old = not os.path.lexists(current(folder, WEIGHTS)) and os.path.lexists(current(folder, CHECKPOINT))
        return [CHECKPOINT if is_old else WEIGHTS]
    with open_inside(folder, INDEX, ConfigError) as stream:
        names = _parsed(stream, INDEX, _LARGEST_INDEX).get("weight_map")
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names.values()):
        raise WeightsError(f"{INDEX} has no weight_map of tensors to files")
    return sorted(set(names.values()))


@dataclass(frozen=True)
class Weights:
    """The files of tensors, and their headers.

    Attributes:
        files: the files, of which only the headers are read.
        stored: the header of each tensor, by name.
    """

    files: tuple[SafeFile | TorchFile, ...]
    stored: Mapping[str, Stored]

    def tensors(self, digests: Mapping[str, Any]) -> dict[str, Tensor]:
        """Copies of all tensors.

        Args:
            digests: the SHA-256 of files, by name; a file without one is not checked.

        Raises:
            WeightsError: a file is damaged, or has another digest.
        """
        tensors: dict[str, Tensor] = {}
        for file in self.files:
            tensors |= file.tensors(digests.get(file.name))
        return tensors


def read_weights(files: Mapping[str, BinaryIO]) -> Weights:
    """Read the headers of files; the tensors stay on disk.

    Raises:
        WeightsError: a file is damaged, or two files have the same tensor.
    """
    headers = tuple(
        TorchFile(name, stream) if name == CHECKPOINT else SafeFile(name, stream) for name, stream in files.items()
    )
    stored: dict[str, Stored] = {}
    for file in headers:
        for name in stored.keys() & file.stored.keys():
            raise WeightsError(f"the tensor {name[:80]!r} is in {stored[name].file} and in {file.name}")
        stored |= file.stored
    return Weights(headers, stored)


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration in a folder, as plain data.

    Raises:
        ConfigError: as `opened`.
    """
    with open_inside(folder, CONFIG, ConfigError) as stream:
        return _parsed(stream, CONFIG, LARGEST_CONFIG)


def _parsed(stream: BinaryIO, name: str, most: int) -> dict[str, Any]:
    text = read_text(stream, name, most, ConfigError)
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name} cannot be read: {error or type(error).__name__}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{name} must hold a mapping, got {type(data).__name__}")
    return data


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not valid JSON")
