"""Pyramid attention network (Li et al. 2018, arXiv:1805.10180): attention at the deepest level, gated skips above it.

Its convolutions have biases although norms follow, like the published weights.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.checks import check_choice, check_count
from unetzoo.decoders.levels import chosen, coarse_levels
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.graph import is_recorded
from unetzoo.layers.norm import Activation, Norm, make_norm
from unetzoo.layers.pool import GridContext
from unetzoo.layers.resize import Mode, resize_as
from unetzoo.nn.segmenter import Decoder

_SMALLEST = 8  # pixels per axis that three halvings need


class PANDecoder(Decoder):
    """The levels of reduction 4 and more; the output has the reduction of the finest.

    The paper's encoders have output stride 16: `encoder_options={"output_stride": 16}`.

    Args:
        features: the pyramid, at least two levels.
        width: channels of all maps except those that weigh pixels.
        upsample: interpolation between the levels.
        norm, activation: see `unetzoo.layers.BlockStyle`; `"batch"` trains only on batches of at least two images.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        width: int = 32,
        upsample: Mode = "bilinear",
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        check_count("width", width)
        check_choice("upsample", upsample, Mode)
        style = BlockStyle(norm=norm, activation=activation, upsample=upsample)
        levels = coarse_levels(features)
        used = chosen(features, levels)
        super().__init__((width,), used.reductions[:1], used_levels=levels, align_corners=True)
        self.levels = levels
        self.context = _FeaturePyramidAttention(used.channels[-1], width, style)
        self.gates = nn.ModuleList(_GlobalAttentionUpsample(channels, width, style) for channels in used.channels[:-1])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the finest used level, the only output, of a pyramid (shallow first)."""
        *finer, deepest = [features[level] for level in self.levels]
        deep = self.context(deepest)
        for gate, skip in zip(reversed(self.gates), reversed(finer), strict=True):
            deep = gate(deep, skip)
        return [deep]


class _FeaturePyramidAttention(CheckpointedModule):
    """Weigh a map's pixels by convolutions of 7, 5 and 3 pixels at 1/2, 1/4 and 1/8 of its size (figure 3).

    A map of fewer than 8 pixels is first padded by its last row and column.
    """

    def __init__(self, in_channels: int, out_channels: int, style: BlockStyle) -> None:
        super().__init__()
        self.image = GridContext(in_channels, out_channels, 1, style, bias=True)
        self.project = ConvNormAct(in_channels, out_channels, style, kernel_size=1, bias=True)
        self.at_half = _weigher(in_channels, style, 7)
        self.at_quarter = _weigher(1, style, 5)
        self.at_eighth = nn.Sequential(_weigher(1, style, 3), _weigher(1, style, 3))
        self.again_at_quarter = _weigher(1, style, 5)
        self.again_at_half = _weigher(1, style, 7)

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        whole = self.image(features)  # first: it raises the error for batch norm of a single value
        height, width = features.shape[2:]
        seen = _at_least(features, _SMALLEST)
        half = self.at_half(F.max_pool2d(seen, 2))
        quarter = self.at_quarter(F.max_pool2d(half, 2))
        eighth = self.at_eighth(F.max_pool2d(quarter, 2))
        weights = self.again_at_quarter(quarter) + resize_as(eighth, quarter, align_corners=True)
        weights = self.again_at_half(half) + resize_as(weights, half, align_corners=True)
        weights = resize_as(weights, seen, align_corners=True)[..., :height, :width]
        attended: Tensor = self.project(features) * weights + whole
        return attended


class _GlobalAttentionUpsample(CheckpointedModule):
    """Add a skip, weighed per channel by the means of the deep map, to the upsampled deep map (figure 4)."""

    def __init__(self, skip_channels: int, width: int, style: BlockStyle) -> None:
        super().__init__()
        self.upsample: Mode = "nearest" if style.upsample == "nearest" else "bilinear"
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, width, 1),
            make_norm(style.norm, width, groups=style.groups),
            nn.Sigmoid(),
        )
        self.conv = ConvNormAct(skip_channels, width, style, bias=True)

    @checkpointed
    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        upsampled = resize_as(deep, skip, self.upsample, align_corners=True)
        gated: Tensor = upsampled + self.conv(skip) * self.gate(deep)
        return gated


def _weigher(in_channels: int, style: BlockStyle, kernel_size: int) -> ConvNormAct:
    return ConvNormAct(in_channels, 1, style, kernel_size=kernel_size, bias=True)


def _at_least(features: Tensor, side: int) -> Tensor:
    """The map, padded by its last row and column to at least `side` pixels per axis."""
    bottom, right = (_missing(side, length) for length in features.shape[2:])
    if is_recorded() or bottom or right:
        features = F.pad(features, (0, right, 0, bottom), mode="replicate")
    return features


def _missing(side: int, length: int) -> int:
    """`side` minus a length, at least 0; in a recorded graph lengths are symbols or tensors."""
    lacking: Any = side - length
    if isinstance(lacking, int):
        return max(0, lacking)
    return cast("int", lacking.clamp(min=0) if isinstance(lacking, Tensor) else torch.sym_max(0, lacking))
