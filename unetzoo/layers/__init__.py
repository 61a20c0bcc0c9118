"""Layers: the blocks that decoders and encoders share. Plugins can build on the names below."""

from unetzoo.layers.attention import SCSE
from unetzoo.layers.axes import AXES, axes_of
from unetzoo.layers.block import BlockStyle, ConvNormAct, FuseBlock
from unetzoo.layers.norm import Activation, Norm, make_activation, make_norm
from unetzoo.layers.recompute import norm_act_conv
from unetzoo.layers.upsample import UpsampleConcatConv

__all__ = [
    "AXES",
    "SCSE",
    "Activation",
    "BlockStyle",
    "ConvNormAct",
    "FuseBlock",
    "Norm",
    "UpsampleConcatConv",
    "axes_of",
    "make_activation",
    "make_norm",
    "norm_act_conv",
]
