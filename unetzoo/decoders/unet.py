"""U-Net (Ronneberger et al. 2015, arXiv:1505.04597): one path of blocks from the deepest level up, one skip each."""

from collections.abc import Sequence

from torch import Tensor, nn

from unetzoo.decoders.widths import plan_stages
from unetzoo.layers.block import Attention, BlockStyle, FuseBlock, Upsample
from unetzoo.layers.norm import Activation, Norm
from unetzoo.model import Decoder
from unetzoo.specs import FeatureInfo


class UNetDecoder(Decoder):
    """Upsample, concatenate with the level's features, convolve twice; up to full resolution where the pyramid allows.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each stage's output, deepest stage first; None: 16 at full resolution (32 where the encoder
            has features there), doubling with each halving up to 256.
        norm: after each convolution.
        activation: after each norm.
        upsample: nearest or bilinear interpolation, or a learned transposed convolution.
        attention: `"scse"` gates each block's input and output.
        dropout: probability of dropping a channel of a block's output in training.

    Raises:
        OptionError: for an option outside its values, or widths that do not fit the pyramid.
        ShapeError: for a pyramid of one level.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        norm: Norm = "batch",
        activation: Activation = "relu",
        upsample: Upsample = "nearest",
        attention: Attention = "none",
        dropout: float = 0.0,
    ) -> None:
        style = BlockStyle(norm=norm, activation=activation, upsample=upsample, attention=attention, dropout=dropout)
        stages = plan_stages(features, widths)
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.stages = nn.ModuleList(
            FuseBlock(stage.deep_channels, stage.skip_channels, stage.out_channels, factor=stage.factor, style=style)
            for stage in stages
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The full-resolution map, the only output, of a pyramid (shallow first)."""
        *shallow_first, deep = features
        skips = shallow_first[::-1]
        for stage, block in enumerate(self.stages):
            deep = block(deep, skips[stage : stage + 1])
        return [deep]
