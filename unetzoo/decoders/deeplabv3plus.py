"""DeepLabv3+ (Chen et al. 2018, arXiv:1802.02611): atrous pooling of the deepest level, refined by one fine level."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unetzoo.checks import check_count, check_probability, check_widths
from unetzoo.decoders.levels import fine_level
from unetzoo.features import FeatureInfo
from unetzoo.layers.aspp import ASPP, SeparableConvNormAct
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.norm import Activation, Norm
from unetzoo.layers.resize import enlarge
from unetzoo.nn.segmenter import Decoder


class DeepLabV3PlusDecoder(Decoder):
    """The deepest level, pooled, upsampled and fused with the level of reduction 4, which the output has, too.

    Without a level of that reduction, the next finer level takes its place, or else the shallowest. The paper's
    encoders have output stride 16: `encoder_options={"output_stride": 16}`.

    Args:
        features: the pyramid, at least two levels.
        width: channels of each branch and of the output.
        fine_width: channels to which the fine level is projected.
        rates: dilation of each 3x3 branch, in pixels of the map; the paper has (6, 12, 18) for output stride 16.
        separable: make these branches depthwise separable.
        norm, activation: see `unetzoo.layers.BlockStyle`; `"batch"` trains only on batches of at least two images.
        dropout: probability of dropping a value of the pooled map in training.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        width: int = 256,
        fine_width: int = 48,
        rates: Sequence[int] = (12, 24, 36),
        separable: bool = True,
        norm: Norm = "batch",
        activation: Activation = "relu",
        dropout: float = 0.5,
    ) -> None:
        for option, value in (("width", width), ("fine_width", fine_width)):
            check_count(option, value)
        check_probability("dropout", dropout)
        style = BlockStyle(norm=norm, activation=activation)
        fine, deepest = fine_level(features), len(features) - 1
        reduction = features.reductions[fine]
        super().__init__((width,), (reduction,), used_levels=(fine, deepest), align_corners=True)
        self.fine_level = fine
        self.factor = features.reductions[-1] // reduction
        rates = check_widths("rates", rates)
        self.aspp = ASPP(features.channels[-1], width, rates, style, separable=separable, dropout=dropout)
        self.refine = SeparableConvNormAct(width, width, style)
        self.project = ConvNormAct(features.channels[fine], fine_width, style, kernel_size=1)
        self.fuse = SeparableConvNormAct(width + fine_width, width, style)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the fine level's resolution, the only output, of a pyramid (shallow first)."""
        pooled = enlarge(self.refine(self.aspp(features[-1])), self.factor, align_corners=True)
        return [self.fuse(torch.cat([pooled, self.project(features[self.fine_level])], dim=1))]
