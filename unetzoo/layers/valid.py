"""The original U-Net of 2015: convolutions without padding, cropped skips, mirrored images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.errors import ShapeError
from unetzoo.features import Factor
from unetzoo.layers.block import BlockStyle
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import make_activation, make_norm
from unetzoo.layers.resize import enlarge

_FEWEST = 12  # (side + 4) / reduction of the smallest image with any logits


class ValidFuseBlock(CheckpointedModule):
    """Like `FuseBlock`, but each of its two convolutions removes a pixel on every side (arXiv:1505.04597, figure 1).

    Args:
        deep_channels: channels of the deep map.
        skip_channels: channels of each skip.
        out_channels: channels of the output.
        factor: resolution of the skips relative to the deep map.
        style: norm, activation, upsampling and dropout.
    """

    def __init__(
        self, deep_channels: int, skip_channels: Sequence[int], out_channels: int, *, factor: Factor, style: BlockStyle
    ) -> None:
        super().__init__()
        learned = style.upsample == "transpose"
        self.factor, self.mode = factor, style.upsample
        self.up = style.axes.transposed_conv(deep_channels, out_channels, factor, factor) if learned else nn.Identity()
        fused = (out_channels if learned else deep_channels) + sum(skip_channels)
        bias = style.norm == "none"
        layers: list[nn.Module] = []
        for have in (fused, out_channels):
            layers += [
                nn.Conv2d(have, out_channels, 3, bias=bias),
                make_norm(style.norm, out_channels, groups=style.groups),
                make_activation(style.activation),
            ]
        self.convs = nn.Sequential(*layers)
        self.dropout = nn.Dropout2d(style.dropout) if style.dropout else nn.Identity()

    @checkpointed
    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h - 4, factor * w - 4) for deep (b, deep, h, w) and skips that are at least that large."""
        deep = self.up(deep) if self.mode == "transpose" else enlarge(deep, self.factor, self.mode)
        result: Tensor = self.dropout(self.convs(torch.cat([deep, *(crop_as(skip, deep) for skip in skips)], dim=1)))
        return result


def crop_as(features: Tensor, like: Tensor) -> Tensor:
    """The center of a map (b, c, h, w), with height and width of a smaller one."""
    height, width = like.shape[2:]
    top, left = (features.shape[2] - height) // 2, (features.shape[3] - width) // 2
    return features[:, :, top : top + height, left : left + width]


def check_sides(height: int, width: int, reduction: int) -> None:
    """Raise ShapeError unless a network without padding takes an image of these sides, in pixels.

    Each level removes 4 pixels and must leave an even number to the next: side + 4 is a multiple of `reduction`, that
    of the deepest level.
    """
    if any((side + 4) % reduction or (side + 4) // reduction < _FEWEST for side in (height, width)):
        few = ", ".join(str(side) for side in valid_sides(reduction))
        raise ShapeError(f"without padding this network takes sides of {few}, ... pixels; got {height} x {width}")


def valid_sides(reduction: int) -> tuple[int, int, int]:
    """The three smallest sides, in pixels, for a network without padding and that deepest reduction."""
    first, second, third = (reduction * multiple - 4 for multiple in range(_FEWEST, _FEWEST + 3))
    return first, second, third


def mirrored(image: Tensor, reduction: int) -> Tensor:
    """The image, extended by its mirror images so that logits without padding cover it.

    The overlap-tile strategy of arXiv:1505.04597, figure 2: the first h rows and w columns of the logits are those of
    the image (b, c, h, w), any h, w >= 1, for a network with that deepest reduction.
    """
    rows, columns = (_mirrored_indices(side, reduction, image) for side in image.shape[2:])
    return image.index_select(2, rows).index_select(3, columns)


def _mirrored_indices(side: int, reduction: int, image: Tensor) -> Tensor:
    """The rows of an image with `side` rows that form the extended image."""
    border = 6 * reduction - 4  # 92 on each side for reductions 1, 2, 4, 8, 16, as in the paper
    length = max(-(-(side + 2 * border + 4) // reduction), _FEWEST) * reduction - 4
    there_and_back = max(2 * (side - 1), 1)
    index = (torch.arange(length, device=image.device) - border) % there_and_back
    return torch.minimum(index, there_and_back - index) if side > 1 else torch.zeros_like(index)
