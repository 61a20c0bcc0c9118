"""Rename the tensors of segmentation_models_pytorch's networks.

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
| the other decoders | `smp_keys.py` |

The tensors are unchanged: both libraries concatenate the deep map first and the newest skip next.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from unetzoo.errors import WeightsError
from unetzoo.interop.smp_encoders import renamed_encoder
from unetzoo.interop.smp_keys import DECODERS, UNUSED, Pairs, decoder_of, replaced

T = TypeVar("T")
_ENCODER = "encoder."

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
_HEADS: Pairs = ((r"segmentation_head\.0\.", "heads.0."), (r"classification_head\.3\.", "aux_head.linear."))
_VIT: Pairs = (  # tensors of `DPT` outside of its decoder
    (r"encoder\.model\.(norm|fc_norm|head|head_drop|attn_pool)\..*", UNUSED),
    (r"encoder\.model\.", "encoder.backbone.model."),
    (r"decoder\.projection_blocks\.(\d+)\.project\.", r"encoder.readout.projections.\1."),
    (r"segmentation_head\.head\.4\.", "heads.0."),
    (r"segmentation_head\.head\.", "decoder.head."),
)


def renamed(state: Mapping[str, T]) -> dict[str, T]:
    """The tensors of a network of segmentation_models_pytorch, or their headers, under unetzoo's names.

    Raises:
        WeightsError: the decoder is unknown.
    """
    decoder = decoder_of(state.keys())
    names = _of_unets(state) if decoder is None else _of_decoder(state, decoder)
    if decoder != "dpt":
        theirs = [key.removeprefix(_ENCODER) for key in state if key.startswith(_ENCODER)]
        own = renamed_encoder(theirs)
        names |= {f"{_ENCODER}{name}": own[name] and f"{_ENCODER}backbone.{own[name]}" for name in theirs}
    return {name: state[key] for key, name in names.items() if name}


def _of_unets(state: Mapping[str, object]) -> dict[str, str]:
    """The new names of a U-Net's or a U-Net++'s tensors; empty for unused tensors."""
    last = last_block(state)
    unused = [f"decoder.blocks.{last}.attention1.", *(["decoder.center."] if last.startswith("x_") else [])]
    return {key: "" if key.startswith(tuple(unused)) else _of_unet(key, last) for key in state}


def _of_decoder(state: Mapping[str, object], decoder: str) -> dict[str, str]:
    """The new names of another decoder's tensors; empty for unused tensors."""
    pairs = tuple((rf"decoder\.{theirs}", f"decoder.{ours}") for theirs, ours in DECODERS[decoder][1])
    rest = _VIT + _HEADS if decoder == "dpt" else _HEADS
    return {key: replaced(key, pairs + rest) for key in state}


def last_block(state: Mapping[str, object]) -> str:
    """The block at full resolution: 4, or x_0_4."""
    blocks = {match[1] for key in state if (match := _BLOCK.fullmatch(key))}
    if not blocks:
        raise WeightsError("these are not the tensors of a decoder of segmentation_models_pytorch that unetzoo knows")
    return max(blocks, key=lambda block: (int(block.rpartition("_")[2]), block.startswith("x_0_") or "_" not in block))


def _of_unet(key: str, last: str) -> str:
    match = _BLOCK.fullmatch(key)
    if match is None:
        return replaced(key, _HEADS)
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
