"""UPerNet (Xiao et al. 2018, arXiv:1807.10221): pyramid pooling on top of a feature pyramid, with all levels fused."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.checks import check_count, check_widths
from unetzoo.decoders.levels import chosen, coarse_levels
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, CheckpointedConv
from unetzoo.layers.norm import Activation, ChannelLayerNorm, Norm
from unetzoo.layers.pool import PyramidPooling
from unetzoo.layers.resize import resize_as
from unetzoo.nn.segmenter import Decoder


class UPerNetDecoder(Decoder):
    """The levels of reduction 4 and more; the output has the reduction of the finest.

    Args:
        features: the pyramid, at least two levels.
        width: channels of each level's map and of the output.
        sizes: cells per axis of each grid of the pooling.
        norm, activation: see `unetzoo.layers.BlockStyle`; `"batch"` trains only on batches of at least two images.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        width: int = 256,
        sizes: Sequence[int] = (1, 2, 3, 6),
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        check_count("width", width)
        sizes = check_widths("sizes", sizes)
        style = BlockStyle(norm=norm, activation=activation)
        levels = coarse_levels(features)
        used = chosen(features, levels)
        super().__init__((width,), used.reductions[:1], used_levels=levels, align_corners=True)
        self.levels = levels
        *finer, deepest = used.channels
        self.norms = nn.ModuleList(ChannelLayerNorm(channels, eps=1e-6) for channels in used.channels)
        self.pooling = PyramidPooling(deepest, width, sizes, style)
        self.context = CheckpointedConv(deepest + len(sizes) * width, width, style)
        self.laterals = nn.ModuleList(
            CheckpointedConv(channels, width, style, kernel_size=1) for channels in finer[::-1]
        )
        self.smooth = nn.ModuleList(CheckpointedConv(width, width, style) for _ in finer)
        self.fuse = CheckpointedConv(len(used) * width, width, style)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the finest used level, the only output, of a pyramid (shallow first)."""
        normed = [norm(features[level]) for norm, level in zip(self.norms, self.levels, strict=True)]
        *finer, deepest = normed
        top_down = self.context(torch.cat([deepest, *self.pooling(deepest)], dim=1))
        maps = [top_down]
        for lateral, smooth, level in zip(self.laterals, self.smooth, finer[::-1], strict=True):
            projected = lateral(level)
            top_down = projected + resize_as(top_down, projected)
            maps.append(smooth(top_down))
        finest = maps[-1]
        return [self.fuse(torch.cat([finest, *(resize_as(level, finest) for level in maps[-2::-1])], dim=1))]
