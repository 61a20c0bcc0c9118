"""The block of the first U-Net: its convolutions see nothing beyond the border, and its skips are cropped to fit."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.layers.block import BlockStyle
from unetzoo.layers.checkpoint import CheckpointedModule
from unetzoo.layers.norm import make_activation, make_norm
from unetzoo.layers.resize import enlarge


class ValidFuseBlock(CheckpointedModule):
    """As `FuseBlock`, but each of its two convolutions takes a pixel off every side (arXiv:1505.04597, figure 1).

    Args:
        deep_channels: of the deep map.
        skip_channels: of each skip.
        out_channels: of the result.
        factor: how much finer the skips are than the deep map.
        style: norm, activation, upsampling and dropout.
    """

    def __init__(
        self, deep_channels: int, skip_channels: Sequence[int], out_channels: int, *, factor: int, style: BlockStyle
    ) -> None:
        super().__init__()
        learned = style.upsample == "transpose"
        self.factor, self.mode = factor, style.upsample
        self.up = nn.ConvTranspose2d(deep_channels, out_channels, factor, factor) if learned else nn.Identity()
        fused = (out_channels if learned else deep_channels) + sum(skip_channels)
        bias = style.norm == "none"
        layers: list[nn.Module] = []
        for have in (fused, out_channels):
            layers += [
                nn.Conv2d(have, out_channels, 3, bias=bias),
                make_norm(style.norm, out_channels, groups=style.groups),
                make_activation(style.activation),
            ]
        self.convs = nn.Sequential(*layers)
        self.dropout = nn.Dropout2d(style.dropout) if style.dropout else nn.Identity()

    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h - 4, factor * w - 4) for deep (b, deep, h, w) and skips that are at least that large."""
        deep = self.up(deep) if self.mode == "transpose" else enlarge(deep, self.factor, self.mode)
        result: Tensor = self.dropout(self.convs(torch.cat([deep, *(crop_as(skip, deep) for skip in skips)], dim=1)))
        return result


def crop_as(features: Tensor, like: Tensor) -> Tensor:
    """The middle of a map (b, c, h, w), with height and width of a smaller one."""
    height, width = like.shape[2:]
    top, left = (features.shape[2] - height) // 2, (features.shape[3] - width) // 2
    return features[:, :, top : top + height, left : left + width]
