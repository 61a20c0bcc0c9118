"""SegFormer's decoder (Xie et al. 2021, arXiv:2105.15203, section 3.2): a linear layer per level and one for all."""

from collections.abc import Sequence

from torch import Tensor, nn

from unetzoo.checks import check_count
from unetzoo.decoders.levels import chosen, coarse_levels, fine_level
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm
from unetzoo.layers.resize import PixelLinear, mix_resized, resize_as
from unetzoo.nn.segmenter import Decoder


class SegFormerDecoder(Decoder):
    """All levels except full resolution, projected to one width and fused at reduction 4, which the output has, too.

    Without a level of that reduction, they are fused at the next finer one, or else at the shallowest. The fusing
    convolution precedes the resizing of each level, which gives the same result with far fewer operations.

    Args:
        features: the pyramid, at least two levels.
        width: channels of each projection and of the output.
        norm: after the fusing convolution.
        activation: after the norm.
    """

    def __init__(
        self, features: FeatureInfo, *, width: int = 256, norm: Norm = "batch", activation: Activation = "relu"
    ) -> None:
        check_count("width", width)
        levels = coarse_levels(features, finest=2)
        used = chosen(features, levels)
        finest = fine_level(used)
        super().__init__((width,), (used.reductions[finest],), used_levels=levels, align_corners=True)
        self.levels = levels[::-1]
        self.target = len(used) - 1 - finest
        self.projections = nn.ModuleList(PixelLinear(channels, width) for channels in used.channels[::-1])
        style = BlockStyle(norm=norm, activation=activation)
        self.fuse = _Fuse(len(used) * width, width, style, kernel_size=1)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The map at the resolution of reduction 4, the only output, of a pyramid (shallow first)."""
        maps = [project(features[level]) for project, level in zip(self.projections, self.levels, strict=True)]
        like = maps[self.target]
        finer = [resize_as(one, like) for one in maps[self.target + 1 :]]  # the block would keep the larger maps
        return [self.fuse([*maps[: self.target + 1], *finer], self.target)]


class _Fuse(CheckpointedModule, ConvNormAct):
    """The 1x1 convolution of all maps at the resolution of one, norm and activation."""

    @checkpointed
    def forward(self, maps: Sequence[Tensor], target: int) -> Tensor:  # type: ignore[override] # takes several maps
        convolution, norm, activation = self
        fused: Tensor = activation(norm(mix_resized(maps, convolution, target)))
        return fused
