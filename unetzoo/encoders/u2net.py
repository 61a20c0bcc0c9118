"""The encoder of U2-Net (Qin et al. 2020, arXiv:2005.09007): a residual U-block per level."""

from torch import Tensor, nn

from unetzoo.errors import PretrainedError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle
from unetzoo.layers.norm import Norm
from unetzoo.layers.rsu import FLAT, RSU
from unetzoo.nn.segmenter import Encoder

_HEIGHTS = (7, 6, 5, 4, FLAT, FLAT)
_POOLED = 4  # levels whose blocks pool; the deeper ones dilate
_MIDDLE, _OUT = (32, 32, 64, 128, 256, 256), (64, 128, 256, 512, 512, 512)
_SMALL_MIDDLE, _SMALL_OUT = (16,) * 6, (64,) * 6


class U2NetEncoder(Encoder):
    """Six levels with reductions 1 to 32 and max pooling between; with the decoder `u2net` it is the paper's network.

    Args:
        in_channels: channels of the image.
        pretrained: False; there are no pretrained weights.
        small: the widths of the paper's small network (table 1), 16 channels within each block and 64 after it.
        norm: norm after each convolution.

    Raises:
        OptionError: an option has an invalid value.
        PretrainedError: pretrained weights are requested.
    """

    def __init__(
        self, *, in_channels: int = 3, pretrained: bool | str = False, small: bool = False, norm: Norm = "batch"
    ) -> None:
        if pretrained:
            raise PretrainedError("the encoder 'u2net' has no pretrained weights; create it with pretrained=False")
        middle, out = (_SMALL_MIDDLE, _SMALL_OUT) if small else (_MIDDLE, _OUT)
        super().__init__(FeatureInfo(out, tuple(2**level for level in range(len(out)))))
        style = BlockStyle(norm=norm)
        self.stages = nn.ModuleList(
            RSU(before, within, width, height, style, flat=level >= _POOLED)
            for level, (before, within, width, height) in enumerate(
                zip((in_channels, *out[:-1]), middle, out, _HEIGHTS, strict=True)
            )
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image (b, c, h, w), shallow first, the first at full resolution."""
        features: list[Tensor] = []
        for stage in self.stages:
            features.append(stage(self.pool(features[-1]) if features else image))
        return features
