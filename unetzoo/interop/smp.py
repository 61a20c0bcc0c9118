"""The weights of segmentation_models_pytorch's architectures, under this project's names.

| segmentation_models_pytorch | unetzoo |
|---|---|
| `encoder.model.*` (its `tu-` encoders), `encoder.*` (its ResNets, whose names are timm's) | `encoder.backbone.*` |
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

from torch import Tensor

from unetzoo.interop.smp_keys import FAMILIES, Pairs, family_of

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


def from_smp(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state_dict of the same network in unetzoo, for decoders of their default shape.

    The gate before a block without a skip, which segmentation_models_pytorch creates but never calls, is left out, and
    so are the layers of a ViT behind its last block.
    """
    family = family_of(state.keys())
    if family is None:
        without_skip = _last_block(state)
        unused = f"decoder.blocks.{without_skip}.attention1."
        return {_of_unet(key, without_skip): value for key, value in state.items() if not key.startswith(unused)}
    pairs = tuple((rf"decoder\.{theirs}", f"decoder.{ours}") for theirs, ours in FAMILIES[family][1])
    if family == "dpt":
        pairs += _VIT
    kept = (key for key in state if family != "dpt" or not _UNUSED_OF_VIT.match(key))
    return {_replaced(key, pairs): state[key] for key in kept}


def _replaced(key: str, pairs: Pairs) -> str:
    for theirs, ours in pairs:
        renamed, count = re.subn(rf"^{theirs}", ours, key)
        if count:
            return renamed
    return _of_all(key)


def _of_all(key: str) -> str:
    """The parts that all architectures name alike: the heads, and the encoder."""
    for theirs, ours in (("segmentation_head.0.", "heads.0."), ("classification_head.3.", "aux_head.linear.")):
        if key.startswith(theirs):
            return key.replace(theirs, ours)
    return "encoder.backbone." + key.removeprefix("encoder.").removeprefix("model.")


def _last_block(state: Mapping[str, Tensor]) -> str:
    """The block that works at full resolution: 4, or x_0_4."""
    blocks = {match[1] for key in state if (match := _BLOCK.fullmatch(key))}
    return max(blocks, key=lambda block: (int(block.rpartition("_")[2]), block.startswith("x_0_") or "_" not in block))


def _of_unet(key: str, last: str) -> str:
    match = _BLOCK.fullmatch(key)
    if match is None:
        return _of_all(key)
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
