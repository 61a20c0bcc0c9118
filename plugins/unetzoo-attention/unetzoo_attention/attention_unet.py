"""Attention U-Net (Oktay et al. 2018, arXiv:1804.03999): skips that are weighed by what the deeper map has found."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.decoders import plan_stages
from unetzoo.layers import AXES, Activation, BlockStyle, FuseBlock, Norm, axes_of


class AttentionGate(nn.Module):
    """The additive gate: alpha = sigmoid(psi(relu(W_x x + W_g g + b_g)) + b_psi), the skip times alpha (eqs. 1 and 2).

    The weights are computed at the resolution of the gating map and interpolated (section 3.1).

    Args:
        skip_channels: of the skip x.
        gating_channels: of the deeper map g.
        factor: how much finer the skip is than the deeper map, along all axes or along each.
        spatial_dims: number of axes: 2 of images, 3 of volumes.
    """

    def __init__(
        self, skip_channels: int, gating_channels: int, factor: int | tuple[int, ...], spatial_dims: int = 2
    ) -> None:
        super().__init__()
        middle, axes = max(1, skip_channels // 2), AXES[spatial_dims]
        self.skip = axes.conv(skip_channels, middle, factor, factor, bias=False)
        self.gating = axes.conv(gating_channels, middle, 1)
        self.psi = axes.conv(middle, 1, 1)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """The weighed skip (b, skip, factor * h, factor * w), for a gating map (b, gating, h, w)."""
        return skip * self.weights(skip, gating)

    def weights(self, skip: Tensor, gating: Tensor) -> Tensor:
        """alpha, from 0 to 1, (b, 1, factor * h, factor * w)."""
        alpha = self.psi((self.skip(skip) + self.gating(gating)).relu()).sigmoid()
        return F.interpolate(alpha, size=skip.shape[2:], mode=axes_of(skip).linear)


class AttentionUNetDecoder(unetzoo.Decoder):
    """U-Net with a gate at each skip, whose gating map is the deeper one of the same block.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each stage's output, deepest stage first; None: as in unetzoo's `unet`.
        norm: after each convolution of the blocks: batch, group, instance, layer or none.
        activation: after each norm: relu, leaky_relu, elu, gelu, silu or prelu.

    Raises:
        unetzoo.OptionError: for an option outside its values, or widths that do not fit the pyramid.
        unetzoo.ShapeError: for a pyramid of one level.
    """

    def __init__(
        self,
        features: unetzoo.FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=features.spatial_dims)
        stages = plan_stages(features, widths)
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.gates = nn.ModuleList(
            AttentionGate(channels, stage.deep_channels, stage.factor, features.spatial_dims)
            for stage in stages
            for channels in stage.skip_channels
        )
        self.stages = nn.ModuleList(
            FuseBlock(stage.deep_channels, stage.skip_channels, stage.out_channels, factor=stage.factor, style=style)
            for stage in stages
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the shallowest stage's resolution, the only output, of a pyramid (shallow first)."""
        *shallow_first, deep = features
        skips = shallow_first[::-1]
        for stage, block in enumerate(self.stages):
            gated = [gate(skip, deep) for gate, skip in zip(self.gates[stage : stage + 1], skips[stage:], strict=False)]
            deep = block(deep, gated)
        return [deep]
