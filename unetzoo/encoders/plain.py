"""The encoder of the first U-Net (Ronneberger et al. 2015, arXiv:1505.04597)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from unetzoo.checks import check_choice, check_depth, check_widths
from unetzoo.encoders.geometry import Levels, Sides, kernels_of, reductions_of, strides_of
from unetzoo.errors import OptionError, PretrainedError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, norm_of
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.graph import is_recorded
from unetzoo.layers.norm import Activation, Norm, make_activation
from unetzoo.layers.recompute import norm_act_conv
from unetzoo.layers.valid import check_sides
from unetzoo.nn.segmenter import Encoder

Padding = Literal["zeros", "reflect", "replicate", "circular", "valid"]
Downsample = Literal["pool", "stride"]


class PlainEncoder(Encoder):
    """Two convolutions per level, max pooling between levels: reductions 1, 2, 4, 8, 16.

    With `downsample="stride"`, `norm="instance"` and `activation="leaky_relu"` it is nnU-Net's (arXiv:1809.10486).

    Args:
        in_channels: channels of the image.
        pretrained: False; there are no pretrained weights.
        spatial_dims: 2 for images, 3 for volumes.
        widths: channels of each level, shallow first; (64, 128, 256, 512, 1024) in the paper.
        kernel_sizes: kernel of each level: a whole number, or one for each axis, such as `[1, 3, 3]`; None: 3.
        strides: factor by which each level is coarser than the one before, likewise; None: 1, then 2.
        downsample: `"pool"`: max pooling; `"stride"`: a stride of the level's first convolution.
        norm: norm after each convolution; `"none"` in the paper.
        activation: after each norm.
        padding: padding of the convolutions. The paper has none, `"valid"`, and each convolution removes a pixel on
            every side: with the same option, the decoder `unet` makes 388 x 388 logits of 572 x 572 pixels.
        depth: use only that many shallow levels; None: all.

    Raises:
        OptionError: an option has an invalid value.
        PretrainedError: pretrained weights are requested.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        pretrained: bool | str = False,
        spatial_dims: int = 2,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        kernel_sizes: Levels | None = None,
        strides: Levels | None = None,
        downsample: Downsample = "pool",
        norm: Norm = "batch",
        activation: Activation = "relu",
        padding: Padding = "zeros",
        depth: int | None = None,
    ) -> None:
        if pretrained:
            raise PretrainedError("the encoder 'plain' has no pretrained weights; create it with pretrained=False")
        check_choice("padding", padding, Padding)
        check_choice("downsample", downsample, Downsample)
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=spatial_dims)
        channels = check_widths("widths", widths)
        levels = channels[: check_depth(depth, len(channels))]
        kernels = kernels_of(kernel_sizes, len(channels), spatial_dims)
        factors = strides_of(strides, len(channels), spatial_dims)[: len(levels)]
        if padding == "valid" and (spatial_dims, kernel_sizes, strides, downsample) != (2, None, None, "pool"):
            raise OptionError("padding='valid' is the U-Net of 2015: images, kernels of 3 x 3, pooling by 2")
        super().__init__(FeatureInfo.by_axis(levels, reductions_of(factors)))
        no_step, pools = (1,) * spatial_dims, downsample == "pool"
        self.stages = nn.ModuleList(
            _Stage(
                *_convolution(before, width, kernel, no_step if pools else factor, padding, style),
                *_convolution(width, width, kernel, no_step, padding, style),
            )
            for before, width, kernel, factor in zip((in_channels, *levels), levels, kernels, factors, strict=False)
        )
        self.pools = nn.ModuleList(
            style.axes.max_pool(factor) if pools and factor != no_step else nn.Identity() for factor in factors
        )
        self.valid_padding = padding == "valid"

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image (b, c, h, w), or a volume (b, c, d, h, w), shallow first.

        Raises:
            ShapeError: without padding, pooling would lose a row or a column of this image.
        """
        if self.valid_padding and not torch.compiler.is_compiling() and not is_recorded():
            check_sides(image.shape[2], image.shape[3], self.features.reductions[-1])
        features: list[Tensor] = []
        for pool, stage in zip(self.pools, self.stages, strict=True):
            features.append(stage(pool(features[-1] if features else image)))
        return features


class _Stage(CheckpointedModule, nn.Sequential):
    """Convolution, norm, activation, twice."""

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        first, norm, activation, second, *rest = self
        result: Tensor = norm_act_conv(norm, activation, second, first(features))
        for layer in rest:
            result = layer(result)
        return result


def _convolution(
    in_channels: int, out_channels: int, kernel: Sides, stride: Sides, padding: Padding, style: BlockStyle
) -> list[nn.Module]:
    border = 0 if padding == "valid" else tuple(side // 2 for side in kernel)
    bias = style.norm == "none"
    mode = "zeros" if padding == "valid" else padding
    return [
        style.axes.conv(in_channels, out_channels, kernel, stride, border, padding_mode=mode, bias=bias),
        norm_of(style, out_channels),
        make_activation(style.activation),
    ]
