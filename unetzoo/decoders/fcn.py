"""Fully convolutional networks (Long et al. 2015, arXiv:1411.4038): scores of the deep levels, upsampled and added."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from unetzoo.checks import check_choice, check_count, check_probability
from unetzoo.decoders.levels import chosen
from unetzoo.decoders.widths import step_factors
from unetzoo.layers.block import BlockStyle, CheckpointedConv
from unetzoo.layers.norm import Activation, Norm
from unetzoo.nn.segmenter import Decoder
from unetzoo.specs import FeatureInfo

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
        style = BlockStyle(norm=norm, activation=activation)
        deepest = len(features) - 1
        levels = (*(level for level in range(deepest) if features.reductions[level] >= finest), deepest)
        used = chosen(features, levels)
        super().__init__((width,), used.reductions[:1], used_levels=levels)
        self.levels = levels
        self.deep = nn.Sequential(
            CheckpointedConv(used.channels[-1], deep_width, style),
            nn.Dropout2d(dropout),
            CheckpointedConv(deep_width, deep_width, style, kernel_size=1),
            nn.Dropout2d(dropout),
        )
        score_channels = (deep_width, *used.channels[-2::-1])
        self.scores = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in score_channels)
        self.ups = nn.ModuleList(
            _LearnedBilinear(width, factor) if factor > 1 else nn.Identity() for factor in step_factors(used)
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The summed scores at the finest used level, the only output, of a pyramid (shallow first)."""
        deepest, *finer = [features[level] for level in reversed(self.levels)]
        first, *others = self.scores
        summed: Tensor = first(self.deep(deepest))
        for up, score, skip in zip(self.ups, others, finer, strict=True):
            summed = up(summed) + score(skip)
        return [summed]


class _LearnedBilinear(nn.ConvTranspose2d):
    """A transposed convolution of each channel that starts as bilinear interpolation (section 3.3)."""

    def __init__(self, channels: int, factor: int) -> None:
        size = 2 * factor - factor % 2
        super().__init__(channels, channels, size, factor, padding=factor // 2, groups=channels, bias=False)

    def reset_parameters(self) -> None:
        """Weights of bilinear interpolation: a tent over each pixel."""
        size, factor = self.kernel_size[0], self.stride[0]
        tent = 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor
        with torch.no_grad():
            self.weight.copy_((tent[:, None] * tent).expand_as(self.weight))
