"""Read the tensors of a checkpoint file of torch or safetensors, without running code of it."""

import struct
from pathlib import Path
from typing import Any

from unetzoo.errors import OptionError, WeightsError, describe_error

_FORMATS = {"b1": "?", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q"}
_FORMATS |= {"f2": "e", "f4": "f", "f8": "d"}
_BEGINNINGS = (b"PK\x03\x04", b"\x80")  # of a .zip file, and of the pickled data of old releases


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a `.safetensors` file, or a file of `torch.save` such as one of Lightning, holds.

    Raises:
        OptionError: there is no such file.
        WeightsError: it is damaged, another kind of file, or holds more than tensors and plain values.
    """
    if not path.is_file():
        raise OptionError(f"there is no file {str(path)!r} to read weights from")
    content = _safetensors(path) if path.suffix == ".safetensors" else _of_torch(path)
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not a state dict")
    return content


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except Exception as error:  # a damaged or hostile file may make the reader raise anything
        raise WeightsError(f"{path} is damaged or not a safetensors file: {describe_error(error)[:200]}") from error


def _of_torch(path: Path) -> Any:  # noqa: ANN401 - of a stranger's file
    import torch

    with path.open("rb") as file:
        if not file.read(4).startswith(_BEGINNINGS):
            raise WeightsError(f"{path} is not a checkpoint: neither torch.save nor safetensors writes such files")
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # as above; torch's own text advises to run the code of the file
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors and plain values, which could run code: save the state "
            "dict alone, torch.save(model.state_dict(), path)"
        ) from error


class _NumpyType:
    """What a file says of the type of a NumPy scalar; NumPy itself reads nothing of a stranger's file.

    Args:
        code: kind and bytes, such as `"f8"`.
        align: unused, as `copy`.
        copy: as `align`.
    """

    def __init__(self, code: str, align: object = None, copy: object = None) -> None:
        del align, copy
        self._format, self._order = _FORMATS[code], "<"

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self._order = ">" if state[1] == ">" else "<"

    def read(self, content: bytes) -> float:
        """The number, `bool`, `int` or `float`, that these bytes hold."""
        value: float
        (value,) = struct.unpack(self._order + self._format, content)
        return value


def _numpy_scalar(kind: _NumpyType, content: bytes) -> float:
    return kind.read(content)


_NUMPY_SCALARS: list[Any] = [
    (_NumpyType, "numpy.dtype"),
    (_numpy_scalar, "numpy._core.multiarray.scalar"),
    (_numpy_scalar, "numpy.core.multiarray.scalar"),  # of NumPy 1
]
"""Stands for NumPy's scalars, which nnU-Net and trainers with NumPy's metrics write beside the tensors."""
