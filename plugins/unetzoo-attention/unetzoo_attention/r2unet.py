"""R2U-Net (Alom et al. 2018, arXiv:1802.06955): residual blocks of recurrent convolutions."""

from collections.abc import Sequence

from torch import Tensor, nn

import unetzoo
from unetzoo.decoders import Stage, plan_stages
from unetzoo.layers import Activation, BlockStyle, Norm, UpsampleConcatConv, make_activation, make_norm

_MOST_STEPS = 16


class RecurrentConv(nn.Module):
    """h(0) = f(W_f x), h(t) = f(W_f x + W_r h(t - 1)): one recurrent convolutional layer, unfolded (eqs. 1 and 2).

    Both kernels are the same at every step; each step has a norm of its own, since its statistics differ.

    Args:
        channels: of x and of h.
        steps: t of the result, >= 0.
        style: norm and activation f.
    """

    def __init__(self, channels: int, steps: int, style: BlockStyle) -> None:
        super().__init__()
        self.feed = nn.Conv2d(channels, channels, 3, padding=1, bias=style.norm == "none")
        self.recur = nn.Conv2d(channels, channels, 3, padding=1, bias=False) if steps else nn.Identity()
        self.norms = nn.ModuleList(make_norm(style.norm, channels) for _ in range(steps + 1))
        self.activation = make_activation(style.activation, inplace=False)  # without a norm it would change `fed`

    def forward(self, x: Tensor) -> Tensor:
        """h(steps), (b, channels, h, w)."""
        fed = self.feed(x)
        first, *rest = self.norms
        hidden: Tensor = self.activation(first(fed))
        for norm in rest:
            hidden = self.activation(norm(fed + self.recur(hidden)))
        return hidden


class RecurrentResidualBlock(nn.Module):
    """Upsample, concatenate, project; then two recurrent convolutions around which the projection passes (fig. 4d).

    The projection is the 3x3 convolution that upsamples and concatenates at once, in place of the paper's 1x1 one.

    Args:
        stage: what it takes and gives.
        steps: of each recurrent convolution.
        style: norm and activation.
    """

    def __init__(self, stage: Stage, steps: int, style: BlockStyle) -> None:
        super().__init__()
        width = stage.out_channels
        self.project = UpsampleConcatConv(stage.deep_channels, stage.skip_channels, width, factor=stage.factor)
        self.recurrent = nn.Sequential(RecurrentConv(width, steps, style), RecurrentConv(width, steps, style))

    def forward(self, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        projected: Tensor = self.project(deep, skips)
        recurrent: Tensor = self.recurrent(projected)
        return projected + recurrent


class R2UNetDecoder(unetzoo.Decoder):
    """U-Net of recurrent residual blocks.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each stage's output, deepest stage first; None: as in unetzoo's `unet`.
        steps: how often each convolution's result goes through it again, 0 to 16; the paper has 2.
        norm: after each convolution: batch, group, instance, layer or none.
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
        steps: int = 2,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        if not isinstance(steps, int) or not 0 <= steps <= _MOST_STEPS:
            raise unetzoo.OptionError(f"steps must be a whole number from 0 to {_MOST_STEPS}, got {steps!r}")
        style = BlockStyle(norm=norm, activation=activation)
        stages = plan_stages(features, widths)
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.stages = nn.ModuleList(RecurrentResidualBlock(stage, steps, style) for stage in stages)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the shallowest stage's resolution, the only output, of a pyramid (shallow first)."""
        *shallow_first, deep = features
        skips = shallow_first[::-1]
        for stage, block in enumerate(self.stages):
            deep = block(deep, skips[stage : stage + 1])
        return [deep]
