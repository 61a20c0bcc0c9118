"""The residual encoder of nnU-Net (Isensee et al. 2024, arXiv:2404.09556): more residual blocks in deeper levels."""

from collections.abc import Sequence

from torch import Tensor, nn

from unetzoo.checks import check_depth, check_widths
from unetzoo.encoders.geometry import Levels, Sides, kernels_of, reductions_of, strides_of
from unetzoo.errors import OptionError, PretrainedError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, norm_of
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm, make_activation
from unetzoo.layers.recompute import norm_act_conv
from unetzoo.nn.segmenter import Encoder

_FIRST, _WIDEST = 32, {2: 512, 3: 320}


class ResEncEncoder(Encoder):
    """A convolution, then levels of residual blocks, the first of each with the stride: reductions 1, 2, 4, 8, 16, 32.

    Args:
        in_channels: channels of the image.
        pretrained: False; there are no pretrained weights.
        spatial_dims: 2 for images, 3 for volumes.
        widths: channels of each level, shallow first; None: 32, doubled from level to level, at most 512 for images and
            320 for volumes.
        blocks: residual blocks of each level.
        kernel_sizes: kernel of each level: a whole number, or one for each axis, such as `[1, 3, 3]`; None: 3.
        strides: factor by which each level is coarser than the one before, likewise; None: 1, then 2.
        norm: norm after each convolution.
        activation: after each norm.
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
        widths: Sequence[int] | None = None,
        blocks: Sequence[int] = (1, 3, 4, 6, 6, 6),
        kernel_sizes: Levels | None = None,
        strides: Levels | None = None,
        norm: Norm = "instance",
        activation: Activation = "leaky_relu",
        depth: int | None = None,
    ) -> None:
        if pretrained:
            raise PretrainedError("the encoder 'resenc' has no pretrained weights; create it with pretrained=False")
        counts = check_widths("blocks", blocks)
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=spatial_dims)
        channels = _widths(widths, len(counts), spatial_dims)
        kernels = kernels_of(kernel_sizes, len(counts), spatial_dims)
        steps = strides_of(strides, len(counts), spatial_dims)
        levels = check_depth(depth, len(counts))
        super().__init__(FeatureInfo.by_axis(channels[:levels], reductions_of(steps[:levels])))
        self.stem = nn.Sequential(
            _convolution(in_channels, channels[0], kernels[0], style),
            norm_of(style, channels[0]),
            make_activation(activation),
        )
        inputs = (channels[0], *channels)
        self.stages = nn.ModuleList(
            nn.Sequential(
                ResidualBlock(inputs[level], channels[level], kernels[level], steps[level], style),
                *(
                    ResidualBlock(channels[level], channels[level], kernels[level], (1,) * spatial_dims, style)
                    for _ in range(counts[level] - 1)
                ),
            )
            for level in range(levels)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image (b, c, h, w), or a volume (b, c, d, h, w), shallow first."""
        features = [self.stem(image)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[1:]


class ResidualBlock(CheckpointedModule):
    """Two convolutions with norms, added to the input, which is averaged and projected where needed (ResNet-D).

    The shortcut averages instead of striding, so that no value is dropped (arXiv:1812.01187, figure 2c).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel: of both convolutions, along each axis.
        stride: of the first one, along each axis.
        style: norm, activation and number of axes.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: Sides, stride: Sides, style: BlockStyle) -> None:
        super().__init__()
        self.conv_in = _convolution(in_channels, out_channels, kernel, style, stride)
        self.norm_in = norm_of(style, out_channels)
        self.act_in = make_activation(style.activation)
        self.conv_out = _convolution(out_channels, out_channels, kernel, style)
        self.norm_out = norm_of(style, out_channels)
        self.act_out = make_activation(style.activation)
        shortcut: list[nn.Module] = [] if max(stride) == 1 else [style.axes.mean_pool(stride, stride)]
        if in_channels != out_channels:
            shortcut += [style.axes.conv(in_channels, out_channels, 1, bias=False), norm_of(style, out_channels)]
        self.shortcut = nn.Sequential(*shortcut)

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h / stride, w / stride) for a map (b, in, h, w); volumes likewise."""
        residual = self.norm_out(norm_act_conv(self.norm_in, self.act_in, self.conv_out, self.conv_in(features)))
        result: Tensor = self.act_out(residual + self.shortcut(features))
        return result


def _convolution(
    in_channels: int, out_channels: int, kernel: Sides, style: BlockStyle, stride: Sides | int = 1
) -> nn.Module:
    padding = tuple(side // 2 for side in kernel)
    return style.axes.conv(in_channels, out_channels, kernel, stride, padding, bias=style.norm == "none")


def _widths(widths: Sequence[int] | None, levels: int, spatial_dims: int) -> tuple[int, ...]:
    if widths is None:
        return tuple(min(_WIDEST[spatial_dims], _FIRST * 2**level) for level in range(levels))
    channels = check_widths("widths", widths)
    if len(channels) != levels:
        raise OptionError(f"widths and blocks need one entry for each level, got {widths!r} and {levels} blocks")
    return channels
