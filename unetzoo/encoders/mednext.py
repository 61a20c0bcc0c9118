"""The encoder of MedNeXt (Roy et al. 2023, arXiv:2303.09975)."""

from typing import Literal

from torch import Tensor, nn

from unetzoo.checks import check_choice, check_count, check_depth
from unetzoo.encoders.geometry import Levels, Sides, kernels_of, reductions_of, strides_of
from unetzoo.errors import OptionError, PretrainedError
from unetzoo.features import FeatureInfo
from unetzoo.layers.axes import AXES
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import make_norm
from unetzoo.nn.segmenter import Encoder

Size = Literal["S", "B", "M", "L"]
_BLOCKS = {"S": (2, 2, 2, 2, 2), "B": (2, 2, 2, 2, 2), "M": (3, 4, 4, 4, 4), "L": (3, 4, 8, 8, 8)}
_RATIOS = {"S": (2, 2, 2, 2, 2), "B": (2, 3, 4, 4, 4), "M": (2, 3, 4, 4, 4), "L": (3, 4, 8, 8, 8)}  # table 1
_LEVELS = 5


class MedNeXtEncoder(Encoder):
    """Blocks as in ConvNeXt, of one depthwise convolution each, strided between levels: reductions 1, 2, 4, 8, 16.

    Kernels of 5 start best from a trained network with kernels of 3, which `unetzoo.inherit` resamples (UpKern).

    Args:
        in_channels: channels of the image.
        pretrained: False; there are no pretrained weights.
        spatial_dims: 2 for images, 3 for volumes.
        size: number of blocks, and how much wider their middle is: `"S"`, `"B"`, `"M"` or `"L"`.
        kernel_size: side of the depthwise convolutions, odd; 3 or 5 in the paper.
        width: channels of the first level, doubled from level to level.
        strides: factor by which each level is coarser than the one before, that of the first level 1: a whole number,
            or one for each axis, such as `[1, 2, 2]`; None: 1, then 2.
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
        size: Size = "S",
        kernel_size: int = 3,
        width: int = 32,
        strides: Levels | None = None,
        depth: int | None = None,
    ) -> None:
        if pretrained:
            raise PretrainedError("the encoder 'mednext' has no pretrained weights; create it with pretrained=False")
        check_choice("size", size, Size)
        check_count("width", width)
        levels = check_depth(depth, _LEVELS)
        steps = strides_of(strides, _LEVELS, spatial_dims)
        if max(steps[0]) > 1:
            raise OptionError(f"the first of strides must be 1: mednext begins at full resolution; got {strides!r}")
        channels = tuple(width * 2**level for level in range(levels))
        super().__init__(FeatureInfo.by_axis(channels, reductions_of(steps[:levels])))
        kernel = kernels_of([check_count("kernel_size", kernel_size)], 1, spatial_dims)[0]
        ratios, no_step = _RATIOS[size], (1,) * spatial_dims
        self.stem = AXES[spatial_dims].conv(in_channels, width, 1)
        self.stages = nn.ModuleList()
        for level, channel in enumerate(channels):
            stage = [
                MedNeXtBlock(channel, channel, ratios[level], kernel, no_step) for _ in range(_BLOCKS[size][level])
            ]
            if level:
                down = MedNeXtBlock(channels[level - 1], channel, ratios[level - 1], kernel, steps[level])
                stage = [down, *stage]
            self.stages.append(nn.Sequential(*stage))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image (b, c, h, w), or a volume (b, c, d, h, w), shallow first."""
        features = [self.stem(image)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[1:]


class MedNeXtBlock(CheckpointedModule):
    """A depthwise convolution, a norm, and two convolutions of 1 with more channels between them (figure 1).

    It is added to its input, which a strided convolution of 1 projects where the number of channels differs.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        ratio: channels in the middle, as a multiple of `in_channels`.
        kernel: of the depthwise convolution, along each axis.
        stride: likewise.
    """

    def __init__(self, in_channels: int, out_channels: int, ratio: int, kernel: Sides, stride: Sides) -> None:
        super().__init__()
        dims = len(kernel)
        conv = AXES[dims].conv
        border = tuple(side // 2 for side in kernel)
        self.depthwise = conv(in_channels, in_channels, kernel, stride, border, groups=in_channels)
        self.norm = make_norm("instance", in_channels, spatial_dims=dims)  # a group norm with a group for each channel
        self.expand = conv(in_channels, ratio * in_channels, 1)
        self.activation = nn.GELU()
        self.compress = conv(ratio * in_channels, out_channels, 1)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else conv(in_channels, out_channels, 1, stride)

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h / stride, w / stride) for a map (b, in, h, w); volumes likewise."""
        wide = self.activation(self.expand(self.norm(self.depthwise(features))))
        result: Tensor = self.shortcut(features) + self.compress(wide)
        return result
