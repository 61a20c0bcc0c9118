"""Read what a folder holds, as data from a stranger: nothing runs, nothing outside of the folder is read."""

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
MOST_FILES = 500  # which are open at once
_TRIES = 100


@dataclass(frozen=True)
class Snapshot:
    """The files of one state of a folder, open: what is saved there meanwhile does not change them.

    Attributes:
        config: the configuration, as plain data.
        files: those that hold the tensors, by name.
    """

    config: dict[str, Any]
    files: Mapping[str, BinaryIO]


@contextmanager
def opened(folder: Path) -> Iterator[Snapshot]:
    """The configuration and the weights of a folder, those of one state though others save into it.

    Raises:
        ConfigError: there is no configuration, or it is no JSON mapping of a reasonable size.
        WeightsError: there are no weights, a file is missing or no regular one, or the index names files that are none
            of the folder's.
    """
    with ExitStack() as streams:
        yield _consistent(folder, streams)


def _consistent(folder: Path, streams: ExitStack) -> Snapshot:
    """Open the files until they are of one state: each one has another config.json."""
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
    raise WeightsError(f"somebody keeps saving into {str(folder)!r}: no state of it can be read")


def _state(folder: Path) -> tuple[Path, tuple[int, ...] | None]:
    """Where the configuration is now, and which file that is."""
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
            raise WeightsError(f"{name[:80]!r} is no name of a .safetensors file in this folder")
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
    """The files that hold tensors, and what they say of them.

    Attributes:
        files: each one read as far as its header.
        stored: all tensors by name.
    """

    files: tuple[SafeFile | TorchFile, ...]
    stored: Mapping[str, Stored]

    def tensors(self, digests: Mapping[str, Any]) -> dict[str, Tensor]:
        """Copies of all tensors.

        Args:
            digests: the SHA-256 of files, by name; one that is not there passes.

        Raises:
            WeightsError: a file is damaged, or not the one that was saved.
        """
        found: dict[str, Tensor] = {}
        for file in self.files:
            found |= file.tensors(digests.get(file.name))
        return found


def read_weights(files: Mapping[str, BinaryIO]) -> Weights:
    """What files say of their tensors; the tensors themselves stay on disk.

    Raises:
        WeightsError: for a file that is damaged, or a tensor that is there twice.
    """
    read = tuple(TorchFile(name, one) if name == CHECKPOINT else SafeFile(name, one) for name, one in files.items())
    stored: dict[str, Stored] = {}
    for file in read:
        for name in stored.keys() & file.stored.keys():
            raise WeightsError(f"the tensor {name[:80]!r} is in {stored[name].file} and in {file.name}")
        stored |= file.stored
    return Weights(read, stored)


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
        raise ConfigError(f"{name} holds no mapping but {type(data).__name__}")
    return data


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")
