"""PSPNet (Zhao et al. 2017, arXiv:1612.01105): the deepest level and its means over grids of several sizes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.checks import check_count, check_widths
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, CheckpointedConv
from unetzoo.layers.norm import Activation, Norm
from unetzoo.layers.pool import PyramidPooling
from unetzoo.nn.segmenter import Decoder


class PSPNetDecoder(Decoder):
    """Pyramid pooling of the deepest level and a 1x1 convolution; the output has that level's reduction.

    A deepest level of reduction 8, as in the paper, comes from `encoder_options={"output_stride": 8}` (dilated) or from
    `{"depth": 3}` (only the first levels, far cheaper).

    Args:
        features: the pyramid; only its deepest level is used.
        width: channels of the output.
        sizes: cells per axis of each grid; each grid gets an equal share of the level's channels.
        norm: after each convolution except that of the grid of one cell.
        activation: after each norm.
        dropout: probability of dropping a channel of the output in training.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        width: int = 512,
        sizes: Sequence[int] = (1, 2, 3, 6),
        norm: Norm = "batch",
        activation: Activation = "relu",
        dropout: float = 0.2,
    ) -> None:
        check_count("width", width)
        sizes = check_widths("sizes", sizes)
        style = BlockStyle(norm=norm, activation=activation, dropout=dropout)
        deepest = (len(features) - 1,)
        super().__init__((width,), features.reductions[-1:], used_levels=deepest, align_corners=True)
        channels = features.channels[-1]
        share = max(1, channels // len(sizes))
        self.pooling = PyramidPooling(channels, share, sizes, style, norm_of_one=False, align_corners=True)
        self.conv = CheckpointedConv(share * len(sizes) + channels, width, style, kernel_size=1)
        self.dropout = nn.Dropout2d(style.dropout) if style.dropout else nn.Identity()

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the deepest level's resolution, the only output, of a pyramid (shallow first)."""
        deepest = features[-1]
        return [self.dropout(self.conv(torch.cat([*self.pooling(deepest), deepest], dim=1)))]
