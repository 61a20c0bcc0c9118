"""The residual U-block of U2-Net: a small U-Net in place of a convolution (Qin et al. 2020, arXiv:2005.09007)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.resize import resize_as

FLAT = 4
"""The height of the block that dilates instead of pooling, RSU-4F."""


class RSU(CheckpointedModule):
    """RSU-L: convolutions down L - 1 levels, a dilated one at the bottom, up again, plus the input (figure 2e).

    Args:
        in_channels: channels of the input.
        middle: channels inside the block.
        out_channels: channels of the output.
        height: L, at least 2; `FLAT` with `flat`.
        style: norm and activation.
        flat: RSU-4F: convolutions with dilations 1, 2, 4, 8 instead of pooling.
    """

    def __init__(
        self, in_channels: int, middle: int, out_channels: int, height: int, style: BlockStyle, *, flat: bool = False
    ) -> None:
        super().__init__()
        self.flat = flat
        dilations = [2**level if flat else 1 for level in range(height - 1)]
        self.project = _convolve(in_channels, out_channels, style)
        self.down = nn.ModuleList(
            _convolve(middle if level else out_channels, middle, style, dilation)
            for level, dilation in enumerate(dilations)
        )
        self.bottom = _convolve(middle, middle, style, 2 ** (height - 1) if flat else 2)
        self.up = nn.ModuleList(
            _convolve(2 * middle, middle if level else out_channels, style, dilation)
            for level, dilation in enumerate(dilations)
        )

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h, w) for a map (b, in, h, w)."""
        projected: Tensor = self.project(features)
        skips: list[Tensor] = []
        for level, convolve in enumerate(self.down):
            above = skips[-1] if skips else projected
            skips.append(convolve(F.max_pool2d(above, 2, ceil_mode=True) if level and not self.flat else above))
        deep: Tensor = self.bottom(skips[-1])
        for level, (convolve, skip) in enumerate(zip(reversed(self.up), reversed(skips), strict=True)):
            if level and not self.flat:  # each level except the deepest was pooled before the next
                deep = resize_as(deep, skip)
            deep = convolve(torch.cat([deep, skip], dim=1))
        return projected + deep


def _convolve(in_channels: int, out_channels: int, style: BlockStyle, dilation: int = 1) -> ConvNormAct:
    return ConvNormAct(in_channels, out_channels, style, dilation=dilation, bias=True)
