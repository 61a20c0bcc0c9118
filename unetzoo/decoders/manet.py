"""MA-Net (Fan et al. 2020, doi:10.1109/ACCESS.2020.3025372): attention at the deepest level, gated fusion above it."""

from collections.abc import Sequence

from torch import Tensor, nn

from unetzoo.checks import check_count
from unetzoo.decoders.widths import Stage, plan_stages, run_stages
from unetzoo.features import FeatureInfo
from unetzoo.layers.attention import PositionAttention, squeeze_excite
from unetzoo.layers.block import BlockStyle, ConvNormAct, FuseBlock, Upsample
from unetzoo.layers.norm import Activation, Norm
from unetzoo.nn.segmenter import Decoder


class MANetDecoder(Decoder):
    """A U-Net whose deep maps are gated per channel by themselves and by the skip; up to full resolution.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each stage's output, deepest stage first; None: as in `UNetDecoder`.
        attention_width: channels of the comparison of the deepest level's pixels.
        squeeze: divisor of the channels in the bottleneck of a gate.
        upsample: nearest or bilinear interpolation, or a learned transposed convolution.
        norm: after each convolution but those of the attention.
        activation: after each norm.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        attention_width: int = 64,
        squeeze: int = 16,
        upsample: Upsample = "nearest",
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        for option, value in (("attention_width", attention_width), ("squeeze", squeeze)):
            check_count(option, value)
        style = BlockStyle(norm=norm, activation=activation, upsample=upsample)
        stages = plan_stages(features, widths)
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.attention = PositionAttention(features.channels[-1], attention_width)
        self.stages = nn.ModuleList(_Stage(stage, squeeze, style) for stage in stages)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The full-resolution map, the only output, of a pyramid (shallow first)."""
        return [run_stages(self.stages, self.attention(features[-1]), features)]


class _Stage(nn.Module):
    """Bring the deep map to the skip's channels, gate it, fuse both; a stage without a skip is a U-Net's.

    The gates depend on means over the map, which upsampling does not change; it comes after them, as part of the fusing
    convolution.
    """

    def __init__(self, stage: Stage, squeeze: int, style: BlockStyle) -> None:
        super().__init__()
        deep = stage.deep_channels
        self.gated = bool(stage.skip_channels)
        if self.gated:
            (skip,) = stage.skip_channels
            self.high = nn.Sequential(ConvNormAct(deep, deep, style), ConvNormAct(deep, skip, style, kernel_size=1))
            self.gate_high, self.gate_low = squeeze_excite(skip, squeeze), squeeze_excite(skip, squeeze)
            deep = skip
        self.fuse = FuseBlock(deep, stage.skip_channels, stage.out_channels, factor=stage.factor, style=style)

    def forward(self, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
        if self.gated:
            deep = self.high(deep)
            deep = deep * (self.gate_high(deep) + self.gate_low(skips[0]))
        fused: Tensor = self.fuse(deep, skips)
        return fused
