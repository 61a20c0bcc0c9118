"""The weights of segmentation_models_pytorch's architectures, under this project's names.

| segmentation_models_pytorch | unetzoo |
|---|---|
| `encoder.model.*` (its `tu-` encoders), `encoder.*` (its own, see `smp_encoders.py`) | `encoder.backbone.*` |
| `decoder.blocks.k.*` (`Unet`) | `decoder.stages.k.*` |
| `decoder.blocks.x_d_l.*` (`UnetPlusPlus`), before the last layer | `decoder.nodes.i_j.*`, i = n-1-l, j = l-d+1 |
| `decoder.blocks.x_0_n.*`, the last layer, which has no skip | `decoder.tail.0.*` |
| in a block: `conv1.0`, `conv1.1`, `conv2.0`, `conv2.1` | `fuse`, `norm`, `conv.0`, `conv.1` |
| in a block: `attention1.attention.cSE/sSE`, `attention2...` | `gate_in.channel/spatial`, `gate_out...` |
| `segmentation_head.0.*`; 3x3 in `Unet`, `UnetPlusPlus`, `MAnet`, `PAN`, `PSPNet` | `heads.0.*`; `head_kernel_size=3` |
| `segmentation_head.head.*` (`DPT`) | `decoder.head.*`, `heads.0.*` |
| `classification_head.3.*` | `aux_head.linear.*` |
| the decoders of the other families | `smp_keys.py` |

The tensors stay as they are: both concatenate the deep map first and the newest skip next.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from unetzoo.errors import WeightsError
from unetzoo.interop.smp_encoders import renamed_encoder
from unetzoo.interop.smp_keys import FAMILIES, Pairs, family_of
from unetzoo.nn.state import tensors_in, without_prefix

if TYPE_CHECKING:
    from unetzoo.nn.segmenter import Segmenter

T = TypeVar("T")
_HEAD, _ENCODER = "segmentation_head.", "encoder."

_IN_BLOCK = {
    "conv1.0": "fuse",
    "conv1.1": "norm",
    "conv2.0": "conv.0",
    "conv2.1": "conv.1",
    "attention1.attention.cSE": "gate_in.channel",
    "attention1.attention.sSE": "gate_in.spatial",
    "attention2.attention.cSE": "gate_out.channel",
    "attention2.attention.sSE": "gate_out.spatial",
}
_BLOCK = re.compile(rf"decoder\.blocks\.(\w+)\.({'|'.join(map(re.escape, _IN_BLOCK))})\.(.+)")


_VIT: Pairs = (  # what `DPT` has outside of its decoder
    (r"encoder\.model\.", "encoder.backbone.model."),
    (r"decoder\.projection_blocks\.(\d+)\.project\.", r"encoder.readout.projections.\1."),
    (r"segmentation_head\.head\.4\.", "heads.0."),
    (r"segmentation_head\.head\.", "decoder.head."),
)
_UNUSED_OF_VIT = re.compile(r"encoder\.model\.(norm|fc_norm|head|head_drop|attn_pool)\.")


def from_smp(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state_dict of the same network in unetzoo, for decoders of their default shape.

    Layers that segmentation_models_pytorch creates but never calls are left out: the gate before a block without a
    skip, the center of a U-Net++, those behind the last block of a ViT, and behind the last level of an encoder.

    Args:
        checkpoint: the state_dict of a network of segmentation_models_pytorch, with whatever prefix before all names,
            such as `model.`; or what holds one, as under `"state_dict"`.

    Raises:
        WeightsError: there is no such state_dict in it.
    """
    return renamed(_bare(checkpoint))


def network_from_smp(
    checkpoint: Mapping[str, Any], *, encoder: str, options: Mapping[str, Any] | None = None
) -> "Segmenter":
    """The network that a state_dict of segmentation_models_pytorch belongs to, in evaluation mode.

    Which architecture it is, how many classes it has, and attention and widths of a U-Net show in the tensors.

    Args:
        checkpoint: as for `from_smp`.
        encoder: the `encoder_name` that it was made with.
        options: what else it was made with, by its names there, such as `{"in_channels": 1, "encoder_depth": 4}`.

    Raises:
        WeightsError: there is no such state_dict, or it is that of another network.
        ConfigError: the network has no equal in unetzoo.
    """
    from unetzoo.assembly import create_from
    from unetzoo.interop.smp_config import config_of_smp, tensors_of_smp

    state = _bare(checkpoint)
    described = _visible(state) | {"encoder_name": encoder} | dict(options or {})
    config = config_of_smp(described)
    model = create_from(config)
    try:
        model.load_state_dict(tensors_of_smp(state, config))
    except WeightsError as error:
        differences = str(error).partition(": ")[2]
        raise WeightsError(
            f"these are not the tensors of {described['_model_class']} with the encoder {encoder!r}: {differences}"
        ) from error
    return model.eval()


def _bare(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state_dict in a checkpoint, without the prefix before all names."""
    state = tensors_in(checkpoint)
    prefix = next((key.partition(_HEAD)[0] for key in state if _HEAD in key), None)
    if prefix is None:
        raise WeightsError(
            f"these are no tensors of a network of segmentation_models_pytorch: there is no {_HEAD}*, but"
            f" {', '.join([*state][:3])}"
        )
    return without_prefix(state, prefix)


def _visible(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What a network was made with, as far as its tensors show it."""
    family = family_of(state.keys())
    last = _last_block(state) if family is None else ""
    head = "segmentation_head.head.4.weight" if family == "dpt" else "segmentation_head.0.weight"
    found: dict[str, Any] = {"_model_class": _class_of(family, last), "classes": len(state[head])}
    if "classification_head.3.weight" in state:
        found["aux_params"] = {"classes": len(state["classification_head.3.weight"])}
    if family is None:
        gated = any(".attention1." in key for key in state)
        found["decoder_attention_type"] = "scse" if gated else None
    if last.isdecimal():
        widths = [len(state[f"decoder.blocks.{block}.conv1.0.weight"]) for block in range(int(last) + 1)]
        found |= {"encoder_depth": len(widths), "decoder_channels": widths}
    return found


def _class_of(family: str | None, last: str) -> str:
    from unetzoo.interop.smp_families import FAMILIES as ARCHITECTURES

    decoder = family or ("unet" if last.isdecimal() else "unetpp")
    return next(name for name, architecture in ARCHITECTURES.items() if architecture.decoder == decoder)


def renamed(state: Mapping[str, T]) -> dict[str, T]:
    """The tensors of a network of segmentation_models_pytorch, or what stands for them, under unetzoo's names.

    Raises:
        WeightsError: the decoder is none that is known.
    """
    family = family_of(state.keys())
    names = _of_unets(state) if family is None else _of_family(state, family)
    if family != "dpt":
        theirs = [key.removeprefix(_ENCODER) for key in state if key.startswith(_ENCODER)]
        own = renamed_encoder(theirs)
        names |= {f"{_ENCODER}{name}": own[name] and f"{_ENCODER}backbone.{own[name]}" for name in theirs}
    return {name: state[key] for key, name in names.items() if name}


def _of_unets(state: Mapping[str, object]) -> dict[str, str]:
    """The names of a U-Net's or a U-Net++'s tensors; empty where there is no such tensor."""
    last = _last_block(state)
    unused = [f"decoder.blocks.{last}.attention1.", *(["decoder.center."] if last.startswith("x_") else [])]
    return {key: "" if key.startswith(tuple(unused)) else _of_unet(key, last) for key in state}


def _of_family(state: Mapping[str, object], family: str) -> dict[str, str]:
    """The names of another decoder's tensors; empty where there is no such tensor."""
    pairs = tuple((rf"decoder\.{theirs}", f"decoder.{ours}") for theirs, ours in FAMILIES[family][1])
    if family == "dpt":
        return {key: "" if _UNUSED_OF_VIT.match(key) else _replaced(key, pairs + _VIT) for key in state}
    return {key: _replaced(key, pairs) for key in state}


def _replaced(key: str, pairs: Pairs) -> str:
    for theirs, ours in pairs:
        renamed, count = re.subn(rf"^{theirs}", ours, key)
        if count:
            return renamed
    return _of_head(key)


def _of_head(key: str) -> str:
    """The heads, which all architectures name alike."""
    for theirs, ours in (("segmentation_head.0.", "heads.0."), ("classification_head.3.", "aux_head.linear.")):
        if key.startswith(theirs):
            return key.replace(theirs, ours)
    return key


def _last_block(state: Mapping[str, object]) -> str:
    """The block that works at full resolution: 4, or x_0_4."""
    blocks = {match[1] for key in state if (match := _BLOCK.fullmatch(key))}
    if not blocks:
        raise WeightsError("these tensors are those of no decoder of segmentation_models_pytorch that is known")
    return max(blocks, key=lambda block: (int(block.rpartition("_")[2]), block.startswith("x_0_") or "_" not in block))


def _of_unet(key: str, last: str) -> str:
    match = _BLOCK.fullmatch(key)
    if match is None:
        return _of_head(key)
    block, part, rest = match.groups()
    return f"decoder.{_stage(block, last)}.{_IN_BLOCK[part]}.{rest}"


def _stage(block: str, last: str) -> str:
    if "_" not in block:
        return f"stages.{block}"
    if block == last:
        return "tail.0"
    depth, layer = map(int, block.removeprefix("x_").split("_"))
    levels = int(last.rpartition("_")[2])
    return f"nodes.{levels - 1 - layer}_{layer - depth + 1}"
