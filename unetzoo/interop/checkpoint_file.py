"""Read the tensors of a checkpoint file of torch or safetensors, without running code of it."""

from pathlib import Path
from typing import Any

from unetzoo.errors import OptionError, WeightsError, describe_error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a `.safetensors` file, or a file of `torch.save` such as one of Lightning, holds.

    Raises:
        OptionError: there is no such file.
        WeightsError: it is damaged, or holds more than tensors and plain values.
    """
    import torch
    from safetensors.torch import load_file

    if not path.is_file():
        raise OptionError(f"there is no file {str(path)!r} to read weights from")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file may make the readers raise anything
        way = "save the state dict alone: torch.save(model.state_dict(), path)"
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors and plain values, which could run code: {way}"
            f" ({describe_error(error)[:200]})"
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not a state dict")
    return content
