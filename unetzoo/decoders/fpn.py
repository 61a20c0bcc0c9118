"""Feature pyramid network (Lin et al. 2017, arXiv:1612.03144) with a panoptic head (Kirillov et al. 2019, 1901.02446).

The levels become maps of one width: each is a projection of its features plus the next deeper map, upsampled. Each map
is brought to the finest level's resolution by convolutions that double it, and all are added up.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from unetzoo.checks import check_choice, check_count
from unetzoo.decoders.levels import chosen
from unetzoo.decoders.widths import step_factors
from unetzoo.errors import ShapeError
from unetzoo.features import Factor, FeatureInfo
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm
from unetzoo.layers.resize import Mode, enlarge
from unetzoo.nn.segmenter import Decoder

Merge = Literal["add", "cat"]
_MOST_LEVELS = 4


class FPNDecoder(Decoder):
    """The four deepest levels, each upsampled to the finest of them, whose reduction the output has.

    Args:
        features: the pyramid, at least two levels.
        pyramid_width: channels of the maps of the pyramid.
        width: channels of each map that the head sees.
        merge: add or concatenate these maps.
        upsample: interpolation between the levels of the pyramid.
        norm: after each 3x3 convolution; `"group"` has 32 groups.
        activation: after each norm.
        dropout: probability of dropping a channel of the result in training.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        pyramid_width: int = 256,
        width: int = 128,
        merge: Merge = "add",
        upsample: Mode = "nearest",
        norm: Norm = "group",
        activation: Activation = "relu",
        dropout: float = 0.2,
    ) -> None:
        if len(features) < 2:
            raise ShapeError(f"a feature pyramid needs at least two levels, got {features}")
        for option, value in (("pyramid_width", pyramid_width), ("width", width)):
            check_count(option, value)
        check_choice("merge", merge, Merge)
        check_choice("upsample", upsample, Mode)
        style = BlockStyle(
            norm=norm, activation=activation, dropout=dropout, groups=32, spatial_dims=features.spatial_dims
        )
        levels = tuple(range(len(features)))[-_MOST_LEVELS:]
        used = chosen(features, levels)
        total = width if merge == "add" else width * len(used)
        super().__init__((total,), (used.axis_reductions[0],), used_levels=levels, align_corners=True)
        self.levels = levels
        self.merge = merge
        self.upsample: Mode = upsample
        self.factors = step_factors(used)
        self.laterals = nn.ModuleList(style.axes.conv(channels, pyramid_width, 1) for channels in used.channels[::-1])
        self.branches = nn.ModuleList(
            _Branch(pyramid_width, width, self.factors[step:], style) for step in range(len(used))
        )
        self.dropout = style.axes.dropout(style.dropout) if style.dropout else nn.Identity()

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the finest used level, the only output, of a pyramid (shallow first)."""
        deepest, *finer = [features[level] for level in reversed(self.levels)]
        first, *laterals = self.laterals
        pyramid = [first(deepest)]
        for lateral, skip, factor in zip(laterals, finer, self.factors, strict=True):
            pyramid.append(enlarge(pyramid[-1], factor, self.upsample) + lateral(skip))
        maps = [branch(level) for branch, level in zip(self.branches, pyramid, strict=True)]
        merged = torch.cat(maps, dim=1) if self.merge == "cat" else sum(maps[1:], maps[0])
        return [self.dropout(merged)]


class _Branch(CheckpointedModule):
    """Convolve and upsample a level, step by step, to the finest one, which is only convolved."""

    def __init__(self, in_channels: int, out_channels: int, factors: Sequence[Factor], style: BlockStyle) -> None:
        super().__init__()
        self.factors = tuple(factors) or (1,)
        self.convs = nn.ModuleList(
            ConvNormAct(out_channels if step else in_channels, out_channels, style) for step in range(len(self.factors))
        )

    @checkpointed
    def forward(self, level: Tensor) -> Tensor:
        for convolve, factor in zip(self.convs, self.factors, strict=True):
            level = enlarge(convolve(level), factor, align_corners=True)
        return level
