"""V-Net (Milletari et al. 2016, arXiv:1606.04797): stages whose convolutions learn a residual of what they fuse."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.checks import check_whole, check_widths
from unetzoo.decoders.widths import Stage, plan_stages, run_stages, stage_widths
from unetzoo.errors import OptionError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, ConvNormAct, norm_of
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm, make_activation
from unetzoo.nn.segmenter import Decoder

_WIDEST = 128  # of the paper's upsampled maps
_DEEPEST = 3  # convolutions of the paper's deep stages


class VNetDecoder(Decoder):
    """Upsample by a transposed convolution, concatenate the skip, add convolutions of that; up to full resolution.

    Each stage keeps the channels of what it concatenates. A skip that is wider than the upsampled map, which no skip of
    the paper is, has a 1x1 convolution before it.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each upsampled map, deepest stage first; None: as many as the skip has, at most 128, and
            without a skip as in `UNetDecoder`.
        depths: convolutions of each stage, likewise; None: 1 in the last stage, 2 in the one before, 3 in all others.
        kernel_size: odd, of these convolutions.
        norm: after each convolution.
        activation: after each norm, and after the sum.

    Raises:
        OptionError: unless there is a width and a depth for each stage.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        depths: Sequence[int] | None = None,
        kernel_size: int = 5,
        norm: Norm = "batch",
        activation: Activation = "prelu",
    ) -> None:
        if check_whole("kernel_size", kernel_size, 1) % 2 == 0:
            raise OptionError(f"kernel_size must be odd, got {kernel_size}")
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=features.spatial_dims)
        upsampled = _widths(features, widths)
        skips = features.channels[-2::-1]
        kept = [min(pair) for pair in zip(upsampled, skips, strict=False)] + [0] * (len(upsampled) - len(skips))
        stages = plan_stages(features, [sum(pair) for pair in zip(upsampled, kept, strict=True)])
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        parts = zip(stages, upsampled, _depths(len(stages), depths), strict=True)
        self.stages = nn.ModuleList(_Stage(stage, width, depth, kernel_size, style) for stage, width, depth in parts)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The full-resolution map, the only output, of a pyramid (shallow first)."""
        return [run_stages(self.stages, features[-1], features)]


class _Stage(CheckpointedModule):
    """One level of the right half of figure 2."""

    def __init__(self, stage: Stage, width: int, depth: int, kernel_size: int, style: BlockStyle) -> None:
        super().__init__()
        channels = stage.out_channels
        self.up = nn.Sequential(
            style.axes.transposed_conv(stage.deep_channels, width, stage.factor, stage.factor),
            norm_of(style, width),
            make_activation(style.activation),
        )
        narrow = channels - width
        self.squeeze = nn.ModuleList(
            ConvNormAct(have, narrow, style, kernel_size=1) if have > narrow else nn.Identity()
            for have in stage.skip_channels
        )
        self.convolutions = nn.Sequential(
            *(ConvNormAct(channels, channels, style, kernel_size=kernel_size) for _ in range(depth))
        )
        self.activation = make_activation(style.activation)

    @checkpointed
    def forward(self, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
        narrow = [squeeze(skip) for squeeze, skip in zip(self.squeeze, skips, strict=True)]
        fused = torch.cat([self.up(deep), *narrow], dim=1)
        result: Tensor = self.activation(self.convolutions(fused) + fused)
        return result


def _widths(features: FeatureInfo, widths: Sequence[int] | None) -> tuple[int, ...]:
    """Channels of the upsampled map of each stage, deepest first."""
    usual = stage_widths(features, widths)
    if widths is not None:
        return usual
    skips = features.channels[-2::-1]
    return (*(min(channels, _WIDEST) for channels in skips), *usual[len(skips) :])


def _depths(stages: int, depths: Sequence[int] | None) -> tuple[int, ...]:
    """Convolutions of each stage, deepest first."""
    if depths is None:
        return tuple(min(_DEEPEST, number) for number in range(stages, 0, -1))
    numbers = check_widths("depths", depths)
    if len(numbers) != stages:
        raise OptionError(f"this pyramid needs {stages} depths, one for each stage; got {numbers}")
    return numbers
