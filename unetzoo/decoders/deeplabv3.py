"""DeepLabv3 (Chen et al. 2017, arXiv:1706.05587): the deepest level, seen with several fields of view."""

from collections.abc import Sequence

from torch import Tensor

from unetzoo.checks import check_count, check_probability, check_widths
from unetzoo.features import FeatureInfo
from unetzoo.layers.aspp import ASPP
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.norm import Activation, Norm
from unetzoo.nn.segmenter import Decoder


class DeepLabV3Decoder(Decoder):
    """Atrous pooling of the deepest level and a 3x3 convolution; the output has that level's reduction.

    The paper's encoders have output stride 8: `encoder_options={"output_stride": 8}`.

    Args:
        features: the pyramid; only its deepest level is used.
        width: channels of each branch and of the output.
        rates: dilation of each 3x3 branch, in pixels of the map.
        separable: make these branches depthwise separable.
        norm, activation: see `unetzoo.layers.BlockStyle`; `"batch"` trains only on batches of at least two images.
        dropout: probability of dropping a value of the pooled map in training.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        width: int = 256,
        rates: Sequence[int] = (12, 24, 36),
        separable: bool = False,
        norm: Norm = "batch",
        activation: Activation = "relu",
        dropout: float = 0.5,
    ) -> None:
        check_count("width", width)
        check_probability("dropout", dropout)
        style = BlockStyle(norm=norm, activation=activation)
        deepest = (len(features) - 1,)
        super().__init__((width,), features.reductions[-1:], used_levels=deepest, align_corners=True)
        rates = check_widths("rates", rates)
        self.aspp = ASPP(features.channels[-1], width, rates, style, separable=separable, dropout=dropout)
        self.conv = ConvNormAct(width, width, style)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the deepest level's resolution, the only output, of a pyramid (shallow first)."""
        return [self.conv(self.aspp(features[-1]))]
