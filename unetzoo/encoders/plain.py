"""The encoder of the first U-Net (Ronneberger et al. 2015, arXiv:1505.04597)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from unetzoo.checks import check_choice, check_depth, check_widths
from unetzoo.errors import PretrainedError
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.graph import is_recorded
from unetzoo.layers.norm import Norm, make_norm
from unetzoo.layers.recompute import norm_act_conv
from unetzoo.layers.valid import check_sides
from unetzoo.nn.segmenter import Encoder
from unetzoo.specs import FeatureInfo

Padding = Literal["zeros", "reflect", "replicate", "circular", "valid"]


class PlainEncoder(Encoder):
    """Two 3x3 convolutions with ReLU per level, 2x2 max pooling between levels: reductions 1, 2, 4, 8, 16.

    Args:
        in_channels: channels of the image.
        pretrained: False; there are no pretrained weights.
        widths: channels of each level, shallow first; (64, 128, 256, 512, 1024) in the paper.
        norm: norm after each convolution; `"none"` in the paper.
        padding: padding of the convolutions. The paper has none, `"valid"`, and each convolution removes a pixel on
            every side: with the same option, the decoder `unet` makes 388 x 388 logits of 572 x 572 pixels.
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
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        norm: Norm = "batch",
        padding: Padding = "zeros",
        depth: int | None = None,
    ) -> None:
        if pretrained:
            raise PretrainedError("the encoder 'plain' has no pretrained weights; create it with pretrained=False")
        check_choice("norm", norm, Norm)
        check_choice("padding", padding, Padding)
        levels = check_widths("widths", widths)[: check_depth(depth, len(widths))]
        super().__init__(FeatureInfo(levels, tuple(2**level for level in range(len(levels)))))
        self.stages = nn.ModuleList(
            _Stage(*_convolution(before, width, norm, padding), *_convolution(width, width, norm, padding))
            for before, width in zip((in_channels, *levels), levels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.valid_padding = padding == "valid"

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image (b, c, h, w), shallow first, the first at full resolution.

        Raises:
            ShapeError: without padding, pooling would lose a row or a column of this image.
        """
        if self.valid_padding and not torch.compiler.is_compiling() and not is_recorded():
            check_sides(image.shape[2], image.shape[3], self.features.reductions[-1])
        features: list[Tensor] = []
        for stage in self.stages:
            features.append(stage(self.pool(features[-1]) if features else image))
        return features


class _Stage(CheckpointedModule, nn.Sequential):
    """Convolution, norm, activation, twice."""

    @checkpointed
    def forward(self, features: Tensor) -> Tensor:
        first, norm, activation, second, *rest = self
        result: Tensor = norm_act_conv(norm, activation, second, first(features))
        for layer in rest:
            result = layer(result)
        return result


def _convolution(in_channels: int, out_channels: int, norm: Norm, padding: Padding) -> list[nn.Module]:
    border = 0 if padding == "valid" else 1
    mode = "zeros" if padding == "valid" else padding
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=border, padding_mode=mode, bias=norm == "none"),
        make_norm(norm, out_channels),
        nn.ReLU(inplace=True),
    ]
