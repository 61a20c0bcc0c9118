"""The weights of torchgeo's ResNets as a network to begin a training with, whose channels have the names of bands.

torchgeo (https://torchgeo.readthedocs.io/en/stable/api/models.html) shares state dicts of timm's ResNets, whose first
convolution takes all bands of a sensor, as files on `hf.co/torchgeo`. The files do not say which bands these are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from pickle import PickleError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

import unetzoo
from unetzoo import OptionError, WeightsError

SENTINEL_2 = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""The bands of torchgeo's weights for all of Sentinel-2, in their order."""
_BANDS = {len(SENTINEL_2): SENTINEL_2, 2: ("VV", "VH")}
_STEM = "conv1.weight"
_RESNETS = {  # by the number of blocks of the third stage, and whether they are bottlenecks
    (2, False): "resnet18",
    (6, False): "resnet34",
    (6, True): "resnet50",
    (23, True): "resnet101",
    (36, True): "resnet152",
}
_OPTIONAL = "num_batches_tracked"
_LIKE = "it is read if it has the tensors of a ResNet of timm, as the files of hf.co/torchgeo have"


def read_torchgeo(path: Path, bands: Sequence[str] = ()) -> unetzoo.Segmenter:
    """A network with the encoder of a file, and a decoder that is not trained.

    A training that begins with it takes the filters of the first convolution by the names of its channels, see
    `unetzoo.inherit`.

    Args:
        path: a `.pth` file, of which only tensors are read, or `.safetensors`.
        bands: names of the channels of the first convolution; empty: those of Sentinel-2 for 13, VV and VH for 2.

    Raises:
        WeightsError: the file cannot be read, or is not of a ResNet.
        OptionError: it has other channels than names, or no names are known.
    """
    state = _bare(_tensors(path), path)
    channels = state[_STEM].shape[1]
    names = tuple(bands) or _BANDS.get(channels, ())
    if len(names) != channels or len({*names}) != channels:
        hint = f"got {', '.join(names)}" if names else "such as --bands B4,B3,B2 for the colors of Sentinel-2"
        raise OptionError(f"{path} takes {channels} bands: name each once in the order of its training; {hint}")
    model = unetzoo.create("fcn", encoder=_encoder(state, path), in_channels=channels, classes=2)
    own = model.encoder.state_dict()
    places = {name: name.removeprefix("backbone.") for name in own}
    lacking = [name for name in places.values() if name not in state and not name.endswith(_OPTIONAL)]
    lacking += [name for full, name in places.items() if name in state and state[name].shape != own[full].shape]
    if lacking:
        raise WeightsError(
            f"{path} lacks {len(lacking)} tensors of {model.config.encoder}, such as {lacking[0]}; {_LIKE}"
        )
    model.encoder.load_state_dict({full: state.get(name, own[full]) for full, name in places.items()})
    model.config = replace(model.config, info=unetzoo.ModelInfo(channel_names=names))
    return model.eval()


def _tensors(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise WeightsError(f"there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError, PickleError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path} cannot be read as weights alone: {reason}") from error
    inner = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else {}
    return inner if isinstance(inner, Mapping) else {}


def _bare(tensors: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The tensors of the ResNet by timm's names, without a prefix such as `backbone.`, as 32-bit floats."""
    stems = [name for name, tensor in tensors.items() if name.endswith(_STEM) and getattr(tensor, "ndim", 0) == 4]
    prefix = min(stems, key=len, default="").removesuffix(_STEM)
    bare = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    state = {name: tensor for name, tensor in bare.items() if isinstance(tensor, Tensor)}
    if _STEM not in state:
        raise WeightsError(f"{path} has no {_STEM}; {_LIKE}")
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _encoder(state: Mapping[str, Tensor], path: Path) -> str:
    """The name of the ResNet."""
    blocks = {name.split(".")[1] for name in state if name.startswith("layer3.")}
    name = _RESNETS.get((len(blocks), "layer3.0.conv3.weight" in state))
    if name is None:
        raise WeightsError(f"{path} has {len(blocks)} blocks in its third stage, which is no ResNet; {_LIKE}")
    return name
