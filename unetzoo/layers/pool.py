"""Means over the cells of a grid, projected: the context of a whole image."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import ShapeError
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.resize import resize_as


def mean_grid(features: Tensor, size: int) -> Tensor:
    """Means (b, c, size, size) over the cells of a grid on a map (b, c, h, w), as in adaptive average pooling.

    In an exported graph, which must hold for maps of any size, they are two products with matrices of weights.
    """
    if size == 1:
        return features.mean((2, 3), keepdim=True)
    if not torch.compiler.is_exporting():
        return F.adaptive_avg_pool2d(features, size)
    rows, columns = (_cells(side, size, features) for side in features.shape[2:])
    return rows @ features @ columns.transpose(0, 1)


def _cells(side: int, size: int, like: Tensor) -> Tensor:
    """(size, side): cell i averages the pixels floor(i * side / size) to ceil((i + 1) * side / size)."""
    cell, pixel = torch.arange(size, device=like.device)[:, None], torch.arange(side, device=like.device)
    covered = (pixel >= cell * side // size) & (pixel < ((cell + 1) * side + size - 1) // size)
    weights = covered.to(like.dtype)
    return weights / weights.sum(1, keepdim=True)


class GridContext(nn.Module):
    """Means over the cells of a grid, projected and resized to the map (arXiv:1612.01105, section 3.2).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        size: cells per axis.
        style: norm and activation.
        align_corners: see `torch.nn.functional.interpolate`.
        bias: see `ConvNormAct`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        style: BlockStyle,
        *,
        align_corners: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.size = size
        self.align_corners = align_corners
        self.project = ConvNormAct(in_channels, out_channels, style, kernel_size=1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h, w) for a map (b, in, h, w).

        Raises:
            ShapeError: in training, for batch norm of a single value per channel: one image, one cell.
        """
        if self.size > 1:
            projected: Tensor = self.project(mean_grid(features, self.size))
            return resize_as(projected, features, align_corners=self.align_corners)
        if self.training and features.shape[0] == 1 and isinstance(self.project[1], nn.BatchNorm2d):
            raise ShapeError(
                "batch norm cannot learn from the mean of a single image: train with batches of at least two images, or"
                " create the decoder with decoder_options={'norm': 'group'}"
            )
        whole: Tensor = self.project(mean_grid(features, 1))
        return whole.expand(-1, -1, *features.shape[2:])


class PyramidPooling(CheckpointedModule):
    """Contexts over grids of several sizes (arXiv:1612.01105, figure 3).

    Args:
        in_channels: channels of the input.
        out_channels: channels of each context.
        sizes: cells per axis, one number per context.
        style: norm and activation.
        norm_of_one: give the context of the whole map, one cell, a norm, too.
        align_corners: see `torch.nn.functional.interpolate`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        sizes: Sequence[int],
        style: BlockStyle,
        *,
        norm_of_one: bool = True,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        bare = style if norm_of_one else replace(style, norm="none")
        self.contexts = nn.ModuleList(
            GridContext(in_channels, out_channels, size, bare if size == 1 else style, align_corners=align_corners)
            for size in sizes
        )

    @checkpointed
    def forward(self, features: Tensor) -> list[Tensor]:
        """One (b, out, h, w) per size, for a map (b, in, h, w)."""
        return [context(features) for context in self.contexts]
