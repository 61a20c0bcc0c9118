"""Atrous spatial pyramid pooling: one map, seen with several fields of view."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import make_activation, make_norm
from unetzoo.layers.pool import GridContext


class SeparableConvNormAct(nn.Sequential):
    """A 3x3 'same' convolution of each channel, a 1x1 convolution, norm and activation (arXiv:1610.02357).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        style: norm and activation.
        dilation: distance of the kernel's taps in pixels.
    """

    def __init__(self, in_channels: int, out_channels: int, style: BlockStyle, *, dilation: int = 1) -> None:
        by_channel = nn.Conv2d(
            in_channels, in_channels, 3, padding=dilation, dilation=dilation, groups=in_channels, bias=False
        )
        super().__init__(
            nn.Sequential(by_channel, nn.Conv2d(in_channels, out_channels, 1, bias=style.norm == "none")),
            make_norm(style.norm, out_channels, groups=style.groups),
            make_activation(style.activation),
        )


class ASPP(CheckpointedModule):
    """A 1x1 convolution, dilated 3x3 ones and the global mean, concatenated and projected (arXiv:1706.05587, fig. 5).

    Args:
        in_channels: channels of the input.
        out_channels: channels of each branch and of the output.
        rates: dilation of each 3x3 convolution, in pixels of the map.
        style: norm and activation.
        separable: make these convolutions depthwise separable.
        dropout: probability of dropping a value of the output in training.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        rates: Sequence[int],
        style: BlockStyle,
        *,
        separable: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        atrous = SeparableConvNormAct if separable else ConvNormAct
        self.branches = nn.ModuleList(
            [
                ConvNormAct(in_channels, out_channels, style, kernel_size=1),
                *(atrous(in_channels, out_channels, style, dilation=rate) for rate in rates),
                GridContext(in_channels, out_channels, 1, style),
            ]
        )
        self.project = ConvNormAct(len(self.branches) * out_channels, out_channels, style, kernel_size=1)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h, w) for a map (b, in, h, w)."""
        result: Tensor = self.dropout(self.project(torch.cat([branch(features) for branch in self.branches], dim=1)))
        return result
