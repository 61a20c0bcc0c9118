"""LinkNet (Chaurasia and Culurciello 2017, arXiv:1707.03718): narrow blocks whose outputs are added to the skips."""

from collections.abc import Sequence

from torch import Tensor, nn

from unetzoo.checks import check_count
from unetzoo.decoders.widths import plan_stages, stage_reductions
from unetzoo.features import Factor, FeatureInfo, along_axes
from unetzoo.layers.block import BlockStyle, ConvNormAct, norm_of
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm, make_activation
from unetzoo.nn.segmenter import Decoder


class LinkNetDecoder(Decoder):
    """Each stage has the channels of the skip to which it is added; up to full resolution.

    Args:
        features: the pyramid, at least two levels.
        width: channels of the last stage if the encoder has no features at full resolution.
        norm, activation: see `unetzoo.layers.BlockStyle`.
    """

    def __init__(
        self, features: FeatureInfo, *, width: int = 32, norm: Norm = "batch", activation: Activation = "relu"
    ) -> None:
        check_count("width", width)
        style = BlockStyle(norm=norm, activation=activation, spatial_dims=features.spatial_dims)
        stages = plan_stages(features, _widths(features, width))
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.stages = nn.ModuleList(
            _Stage(stage.deep_channels, stage.out_channels, stage.factor, style) for stage in stages
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The full-resolution map, the only output, of a pyramid (shallow first)."""
        *shallow_first, deep = features
        skips = shallow_first[::-1]
        for index, stage in enumerate(self.stages):
            deep = stage(deep)
            if index < len(skips):
                deep = deep + skips[index]
        return [deep]


class _Stage(CheckpointedModule, nn.Sequential):
    """Squeeze to a quarter of the channels, upsample by a transposed convolution, widen (figure 3)."""

    def __init__(self, in_channels: int, out_channels: int, factor: Factor, style: BlockStyle) -> None:
        narrow = max(1, in_channels // 4)
        kernel = tuple(number + 2 for number in along_axes(factor, style.spatial_dims))
        super().__init__(
            ConvNormAct(in_channels, narrow, style, kernel_size=1),
            nn.Sequential(
                style.axes.transposed_conv(narrow, narrow, kernel, factor, padding=1),
                norm_of(style, narrow),
                make_activation(style.activation),
            ),
            ConvNormAct(narrow, out_channels, style, kernel_size=1),
        )

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = super().forward(features)  # type: ignore[no-untyped-call] # of torch
        return result


def _widths(features: FeatureInfo, last: int) -> tuple[int, ...]:
    """Channels of each stage, deepest first: those of the skips, the shallowest again, `last` at full resolution."""
    skips = features.channels[-2::-1]
    without = len(stage_reductions(features)) - len(skips)
    return (*skips, *skips[-1:] * (without - 1), *(last,) * min(without, 1))
