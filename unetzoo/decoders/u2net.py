"""U2-Net (Qin et al. 2020, arXiv:2005.09007): a U-Net whose blocks are U-Nets; all levels are fused at the end."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.checks import check_count
from unetzoo.decoders.widths import step_factors
from unetzoo.errors import ShapeError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle
from unetzoo.layers.norm import Activation, Norm
from unetzoo.layers.resize import enlarge, resize_as
from unetzoo.layers.rsu import FLAT, RSU
from unetzoo.nn.segmenter import Decoder

_TALLEST = 7


class U2NetDecoder(Decoder):
    """A residual U-block for each level except the deepest; the head sees an upsampled map of each level.

    With the encoder `u2net`, one class and `side_width=1` it is the paper's network, whose side maps are logits.

    Args:
        features: the pyramid, at least two levels.
        small: 16 channels inside each block and 64 after it, as in the paper's small network.
        side_width: channels of each level's map that the head sees.
        deep_supervision: also output the maps of the levels, deepest first.
        norm: after each convolution of the blocks.
        activation: after each norm.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        small: bool = False,
        side_width: int = 1,
        deep_supervision: bool = False,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        if len(features) < 2:
            raise ShapeError(f"a decoder needs at least two levels, got {features}")
        check_count("side_width", side_width)
        style = BlockStyle(norm=norm, activation=activation)
        levels, finest = len(features), features.reductions[0]
        sides = levels if deep_supervision else 0
        super().__init__((*(side_width,) * sides, side_width * levels), (*features.reductions[::-1][:sides], finest))
        self.deep_supervision = deep_supervision
        self.factors = step_factors(features)
        widths = [_widths(reduction, small=small) for reduction in features.reductions[-2::-1]]
        inputs = (features.channels[-1], *(out for _, out in widths))
        self.stages = nn.ModuleList(
            RSU(deep + skip, middle, out, min(FLAT - 1 + max(stage, 1), _TALLEST), style, flat=stage == 0)
            for stage, (deep, skip, (middle, out)) in enumerate(
                zip(inputs, features.channels[-2::-1], widths, strict=False)
            )
        )
        self.sides = nn.ModuleList(nn.Conv2d(channels, side_width, 3, padding=1) for channels in inputs)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The maps of all levels at the finest one's resolution, concatenated, the last output of a pyramid."""
        *shallow_first, deep = features
        levels = [deep]
        for stage, factor, skip in zip(self.stages, self.factors, shallow_first[::-1], strict=True):
            levels.append(stage(torch.cat([enlarge(levels[-1], factor), skip], dim=1)))
        sides = [side(level) for side, level in zip(self.sides, levels, strict=True)]
        fused = torch.cat([sides[-1], *(resize_as(side, sides[-1]) for side in sides[-2::-1])], dim=1)
        return [*sides, fused] if self.deep_supervision else [fused]


def _widths(reduction: int, *, small: bool) -> tuple[int, int]:
    """Channels within and after the block of a level: (16, 64) at full resolution, (256, 512) at reduction 16."""
    if small:
        return 16, 64
    return min(256, 16 * reduction), min(512, max(64, 32 * reduction))
