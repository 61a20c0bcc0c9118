"""Read the tensors of a checkpoint file of torch or safetensors, without running code of it."""

from pathlib import Path
from typing import Any

from unetzoo.errors import OptionError, WeightsError, describe_error

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
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # as above; torch's own text advises to run the code of the file
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors and plain values, which could run code: save the state "
            "dict alone, torch.save(model.state_dict(), path)"
        ) from error
