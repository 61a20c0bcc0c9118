"""Read what a folder holds, as data from a stranger: nothing runs, nothing outside of the folder is read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from unetzoo.errors import ConfigError, WeightsError
from unetzoo.weights.transaction import current

CHECKPOINT = "pytorch_model.bin"
CONFIG, WEIGHTS, INDEX, CARD = "config.json", "model.safetensors", "model.safetensors.index.json", "README.md"
PICTURE = "prediction.png"
_LARGEST_TEXT = 2**22  # bytes of a configuration or an index
_CHUNK = 2**22
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@dataclass(frozen=True)
class Stored:
    """What a file says of one tensor."""

    file: Path
    shape: tuple[int, ...]
    dtype: str


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration in a folder, as plain data.

    Raises:
        ConfigError: there is none, or it is no JSON mapping of a reasonable size.
    """
    return _read_json(folder, CONFIG)


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the tensors.

    Raises:
        WeightsError: there are none, one of them is missing, or the index names files that are none of the folder's.
    """
    if not current(folder, INDEX).exists():
        old = not current(folder, WEIGHTS).exists() and current(folder, CHECKPOINT).exists()
        return [_inside(folder, CHECKPOINT if old else WEIGHTS)]
    names = _read_json(folder, INDEX).get("weight_map")
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names.values()):
        raise WeightsError(f"{INDEX} has no weight_map of tensors to files")
    return [_inside(folder, name) for name in sorted(set(names.values()))]


def read_headers(files: list[Path]) -> dict[str, Stored]:
    """What the files say of their tensors; the tensors themselves stay on disk.

    Raises:
        WeightsError: for a file that is damaged, or a tensor that is there twice.
    """
    found: dict[str, Stored] = {}
    for file in files:
        if file.name == CHECKPOINT:
            tensors = _checkpoint(file)
            return {name: Stored(file, tuple(one.shape), DTYPES.get(one.dtype, "")) for name, one in tensors.items()}
        try:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - it is no mapping
                    view = opened.get_slice(name)
                    if name in found:
                        raise WeightsError(f"the tensor {name!r} is in {found[name].file.name} and in {file.name}")
                    found[name] = Stored(file, tuple(view.get_shape()), view.get_dtype())
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{file.name} is damaged or no safetensors file: {error}") from error
    return found


def read_tensors(files: list[Path]) -> dict[str, Tensor]:
    """The tensors of files that `read_headers` has read, mapped into memory rather than copied."""
    found: dict[str, Tensor] = {}
    for file in files:
        if file.name == CHECKPOINT:
            return _checkpoint(file)
        with safe_open(file, framework="pt") as opened:
            found |= {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
    return found


def _checkpoint(file: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint of torch, by its reader that makes nothing but tensors."""
    try:
        tensors = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # whatever a damaged or hostile pickle makes the reader raise
        problem = f"{file.name} is damaged, or holds more than tensors and could run code: it is not read"
        raise WeightsError(f"{problem} ({type(error).__name__})") from error
    if not isinstance(tensors, dict) or not all(isinstance(one, Tensor) for one in tensors.values()):
        raise WeightsError(f"{file.name} holds no mapping of names to tensors")
    return tensors


def check_digests(files: list[Path], wanted: Mapping[str, Any]) -> None:
    """Compare files with the SHA-256 that their configuration has of them; one that it does not name passes.

    Raises:
        WeightsError: a file is not the one that was saved.
    """
    for file in files:
        expected = wanted.get(file.name)
        if expected is not None and digest(file) != expected:
            raise WeightsError(
                f"{file.name} is not the file that was saved with this {CONFIG}: download or save it again"
            )


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    path = current(folder, name)
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise ConfigError(f"{name} has {path.stat().st_size:,} bytes; at most {_LARGEST_TEXT:,} are read")
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {name} in {str(folder)!r}: not a folder of a saved network") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name} cannot be read: {error or type(error).__name__}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{name} holds no mapping but {type(data).__name__}")
    return data


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _inside(folder: Path, name: str) -> Path:
    """A file of the folder itself, or, in a cache of the Hub, of its blobs."""
    if Path(name).name != name or not (name.endswith(".safetensors") or name == CHECKPOINT):
        raise WeightsError(f"{name!r} is no name of a .safetensors file in this folder")
    path = current(folder, name)
    if not path.is_file():
        raise WeightsError(f"there is no file {name} in {str(folder)!r}")
    homes = [folder.resolve()]
    if folder.parent.name == "snapshots":
        homes.append(folder.parent.parent.resolve() / "blobs")
    if not any(path.resolve().is_relative_to(home) for home in homes):
        raise WeightsError(f"{name} is a link to a file outside of {str(folder)!r}: it is not read")
    return path
