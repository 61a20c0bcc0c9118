"""Deep residual U-Net (Zhang et al. 2018, arXiv:1711.10684): residual blocks that begin with an activation."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.checks import check_choice
from unetzoo.decoders.widths import Stage, plan_stages, run_stages
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, norm_of
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm, make_activation
from unetzoo.layers.recompute import norm_act_conv
from unetzoo.layers.resize import Mode, enlarge
from unetzoo.nn.segmenter import Decoder


class ResUNetDecoder(Decoder):
    """Upsample, concatenate with the level's features, one residual unit; up to full resolution.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each stage's output, deepest stage first; None: as in `UNetDecoder`.
        upsample: interpolation between stages.
        norm: before each activation.
        activation: before each 3x3 convolution.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        upsample: Mode = "nearest",
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        check_choice("upsample", upsample, Mode)
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=features.spatial_dims)
        stages = plan_stages(features, widths)
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.stages = nn.ModuleList(_ResidualUnit(stage, upsample, style) for stage in stages)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The full-resolution map, the only output, of a pyramid (shallow first)."""
        return [run_stages(self.stages, features[-1], features)]


class _ResidualUnit(CheckpointedModule):
    """Norm, activation and 3x3 convolution, twice, added to a 1x1 convolution of the same map (figure 1b)."""

    def __init__(self, stage: Stage, upsample: Mode, style: BlockStyle) -> None:
        super().__init__()
        have, want, bias = stage.deep_channels + sum(stage.skip_channels), stage.out_channels, style.norm == "none"
        self.factor, self.upsample = stage.factor, upsample
        self.norm_in, self.norm_between = norm_of(style, have), norm_of(style, want)
        self.act_in = make_activation(style.activation, inplace=False)  # the shortcut needs this map unchanged
        self.act_between = make_activation(style.activation)
        self.conv_in = style.axes.conv(have, want, 3, padding=1, bias=bias)
        self.conv_out = style.axes.conv(want, want, 3, padding=1)
        self.shortcut = style.axes.conv(have, want, 1)

    @checkpointed
    def forward(self, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
        fused = torch.cat([enlarge(deep, self.factor, self.upsample), *skips], dim=1)
        residual = norm_act_conv(self.norm_in, self.act_in, self.conv_in, fused)
        residual = norm_act_conv(self.norm_between, self.act_between, self.conv_out, residual)
        summed: Tensor = residual + self.shortcut(fused)
        return summed
