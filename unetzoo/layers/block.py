"""The block of a U-Net decoder: fuse a deep map with skips, then convolve again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from unetzoo.checks import check_choice, check_probability
from unetzoo.features import Factor
from unetzoo.layers.attention import SCSE
from unetzoo.layers.axes import AXES, Axes
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.learned import upsample_fuse
from unetzoo.layers.norm import Activation, Norm, make_activation, make_norm
from unetzoo.layers.recompute import norm_act_conv
from unetzoo.layers.upsample import UpsampleConcatConv

Upsample = Literal["nearest", "bilinear", "transpose"]
Attention = Literal["none", "scse"]


@dataclass(frozen=True, kw_only=True)
class BlockStyle:
    """The options that the blocks of a decoder share.

    Attributes:
        norm: after each convolution; with `"none"` the convolutions have biases.
        activation: after each norm.
        upsample: nearest or bilinear interpolation (trilinear of volumes), or a learned transposed convolution.
        attention: `"scse"` gates each block's concatenated input and its output (arXiv:1803.02579).
        dropout: probability in [0, 1) of dropping a whole channel of the block's output in training.
        groups: largest number of groups of the norm `"group"`.
        spatial_dims: number of axes of the maps, `FeatureInfo.spatial_dims`: 2 of images, 3 of volumes.

    Raises:
        OptionError: for any other value.
    """

    norm: Norm = "batch"
    activation: Activation = "relu"
    upsample: Upsample = "nearest"
    attention: Attention = "none"
    dropout: float = 0.0
    groups: int = 8
    spatial_dims: int = 2

    def __post_init__(self) -> None:
        choices = {"norm": Norm, "activation": Activation, "upsample": Upsample, "attention": Attention}
        for name, allowed in choices.items():
            check_choice(name, getattr(self, name), allowed)
        check_probability("dropout", self.dropout)

    @property
    def axes(self) -> Axes:
        """The layers over so many axes."""
        return AXES[self.spatial_dims]


def norm_of(style: BlockStyle, channels: int) -> nn.Module:
    """The norm of a style for maps of so many channels."""
    return make_norm(style.norm, channels, groups=style.groups, spatial_dims=style.spatial_dims)


class ConvNormAct(nn.Sequential):
    """A 'same' convolution, norm and activation: (b, in, h, w) to (b, out, h, w), over the axes of its style.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        style: norm and activation.
        kernel_size: odd, in pixels.
        dilation: distance of the kernel's taps in pixels.
        bias: give the convolution a bias although a norm follows; without a norm it always has one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        style: BlockStyle,
        *,
        kernel_size: int = 3,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        padding = kernel_size // 2 * dilation
        bias = bias or style.norm == "none"
        super().__init__(
            style.axes.conv(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=bias),
            norm_of(style, out_channels),
            make_activation(style.activation),
        )


class CheckpointedConv(CheckpointedModule, ConvNormAct):
    """The same as a block that can run again in the backward pass."""

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h, w) for a map (b, in, h, w)."""
        result: Tensor = super().forward(features)  # type: ignore[no-untyped-call] # of torch
        return result


class FuseBlock(CheckpointedModule):
    """Upsample a deep map, concatenate it with skips, convolve twice.

    Args:
        deep_channels: channels of the deep map.
        skip_channels: channels of each skip, in the order of concatenation after the deep map.
        out_channels: channels of the output.
        factor: resolution of the skips relative to the deep map, along all axes or along each.
        style: norm, activation, upsampling, attention and dropout, and the number of axes.
    """

    def __init__(
        self, deep_channels: int, skip_channels: Sequence[int], out_channels: int, *, factor: Factor, style: BlockStyle
    ) -> None:
        super().__init__()
        learned = style.upsample == "transpose" and factor != 1
        self.up = style.axes.transposed_conv(deep_channels, out_channels, factor, factor) if learned else nn.Identity()
        fused_channels = out_channels if learned else deep_channels
        gated = style.attention == "scse"
        gated_channels = fused_channels + sum(skip_channels)
        self.gate_in = SCSE(gated_channels, spatial_dims=style.spatial_dims) if gated and skip_channels else None
        self.fuse = UpsampleConcatConv(
            fused_channels,
            skip_channels,
            out_channels,
            factor=1 if learned else factor,
            mode="bilinear" if style.upsample == "bilinear" else "nearest",
            bias=style.norm == "none",
            spatial_dims=style.spatial_dims,
        )
        self.norm = norm_of(style, out_channels)
        self.activation = make_activation(style.activation)
        self.conv = ConvNormAct(out_channels, out_channels, style)
        self.gate_out = SCSE(out_channels, spatial_dims=style.spatial_dims) if gated else nn.Identity()
        self.dropout = style.axes.dropout(style.dropout) if style.dropout else nn.Identity()

    @checkpointed
    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        if self.gate_in is None:
            fused = upsample_fuse(self.up, self.fuse, deep, skips)
        else:
            fused = self._fuse_gated(self.up(deep), skips, self.gate_in)
        convolution, norm, activation = self.conv
        convolved = norm_act_conv(self.norm, self.activation, convolution, fused)
        result: Tensor = self.dropout(self.gate_out(activation(norm(convolved))))
        return result

    def _fuse_gated(self, deep: Tensor, skips: Sequence[Tensor], gate: SCSE) -> Tensor:
        """A gate sees all channels at once, so the concatenated map must be created."""
        stacked = gate(self.fuse.concatenate(deep, skips))
        return self.fuse.convolve(stacked)
