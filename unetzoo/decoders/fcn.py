"""Fully convolutional networks (Long et al. 2015, arXiv:1411.4038): scores of the deep levels, upsampled and added."""

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn

from unetzoo.checks import check_choice, check_count, check_probability
from unetzoo.decoders.levels import chosen
from unetzoo.decoders.widths import step_factors
from unetzoo.features import FeatureInfo, along_axes
from unetzoo.layers.axes import axes_of
from unetzoo.layers.block import BlockStyle, CheckpointedConv
from unetzoo.layers.norm import Activation, Norm
from unetzoo.nn.segmenter import Decoder

Finest = Literal[8, 16, 32]


class FCNDecoder(Decoder):
    """FCN-32s, FCN-16s or FCN-8s, for `finest` 32, 16 or 8; the output has the finest used level's reduction.

    The scores of each level are `width` maps, from which the head computes logits; in the paper they are the logits.
    The two convolutions of the deepest level stand for the paper's fully connected layers.

    Args:
        features: the pyramid.
        finest: the least reduction of the levels that are used; the deepest level is always used.
        width: channels of the scores and of the output.
        deep_width: channels of the two convolutions of the deepest level; the paper has 4096.
        norm: after these convolutions; the paper has `"none"`.
        activation: after each norm.
        dropout: probability of dropping a channel after each of them in training.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        finest: Finest = 8,
        width: int = 64,
        deep_width: int = 512,
        norm: Norm = "batch",
        activation: Activation = "relu",
        dropout: float = 0.5,
    ) -> None:
        for option, value in (("width", width), ("deep_width", deep_width)):
            check_count(option, value)
        check_choice("finest", finest, Finest)
        check_probability("dropout", dropout)
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=features.spatial_dims)
        deepest = len(features) - 1
        levels = (*(level for level in range(deepest) if features.reductions[level] >= finest), deepest)
        used = chosen(features, levels)
        super().__init__((width,), used.axis_reductions[:1], used_levels=levels)
        self.levels = levels
        self.deep = nn.Sequential(
            CheckpointedConv(used.channels[-1], deep_width, style),
            style.axes.dropout(dropout),
            CheckpointedConv(deep_width, deep_width, style, kernel_size=1),
            style.axes.dropout(dropout),
        )
        score_channels = (deep_width, *used.channels[-2::-1])
        self.scores = nn.ModuleList(style.axes.conv(channels, width, 1) for channels in score_channels)
        self.ups = nn.ModuleList(
            nn.Identity() if factor == 1 else _LearnedLinear(width, along_axes(factor, features.spatial_dims))
            for factor in step_factors(used)
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The summed scores at the finest used level, the only output, of a pyramid (shallow first)."""
        deepest, *finer = [features[level] for level in reversed(self.levels)]
        first, *others = self.scores
        summed: Tensor = first(self.deep(deepest))
        for up, score, skip in zip(self.ups, others, finer, strict=True):
            summed = up(summed) + score(skip)
        return [summed]


class _LearnedLinear(nn.Module):
    """A transposed convolution of each channel that starts as linear interpolation along each axis (section 3.3)."""

    def __init__(self, channels: int, factors: tuple[int, ...]) -> None:
        super().__init__()
        self.factors, self.padding = factors, tuple(factor // 2 for factor in factors)
        tents = reduce(lambda tent, other: tent[..., None] * other, map(_tent, factors))
        self.weight = nn.Parameter(tents.expand(channels, 1, *tents.shape).clone())

    def forward(self, features: Tensor) -> Tensor:
        channels = features.shape[1]
        transpose = axes_of(features).convolve_transposed
        return transpose(features, self.weight, stride=self.factors, padding=self.padding, groups=channels)


def _tent(factor: int) -> Tensor:
    """Weights of linear interpolation by a factor along one axis: a tent over each pixel."""
    size = 2 * factor - factor % 2
    return 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor
