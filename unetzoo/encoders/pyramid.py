"""Make a pyramid of maps that are not one, as those of plain ViTs and backbones with odd strides.

Decoders need levels whose reductions are powers of two, each finer than the next. A map of stride 14 is used as one of
stride 16; of several maps with one stride, the earlier ones become finer levels by transposed convolutions, as in
ViTDet (arXiv:2203.16527, section 3) and UNETR (arXiv:2103.10504).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from torch import Tensor, nn

from unetzoo.errors import OptionError
from unetzoo.features import FeatureInfo
from unetzoo.layers.axes import AXES
from unetzoo.layers.norm import ChannelLayerNorm

_FEWEST_CHANNELS = 16


@dataclass(frozen=True)
class Level:
    """How one map becomes a level.

    Attributes:
        channels: channels of the map.
        native: stride of the map, in pixels of the backbone's input.
        stride: the power of two that is nearest to `native`.
        target_channels: channels of the level.
        target: reduction of the level, at most `stride`.
    """

    channels: int
    native: int
    stride: int
    target_channels: int
    target: int

    @property
    def doublings(self) -> int:
        """How often the resolution is doubled."""
        return int(log2(self.stride // self.target))


def plan_levels(channels: Sequence[int], strides: Sequence[int], *, keep: bool = False) -> list[Level]:
    """Plan the levels of a pyramid, shallow first.

    The deepest map keeps its stride (the nearest power of two); each earlier level has its own stride or half of the
    next level's, whichever is finer.

    Args:
        channels: channels of each map, shallow first.
        strides: stride of each map, in pixels of the backbone's input.
        keep: keep the stride of every map, even if several have the same.

    Raises:
        OptionError: there are so many maps that a level would be finer than the image.
    """
    levels: list[Level] = []
    for width, native in zip(reversed(channels), reversed(strides), strict=True):
        near = nearest_power_of_two(native)
        target = near if keep or not levels else min(near, levels[-1].target // 2)
        if target < 1:
            raise OptionError(f"{len(strides)} maps of strides {tuple(strides)} are too many for a pyramid: use fewer")
        fewer = width if target == near else max(_FEWEST_CHANNELS, width * target // near)
        levels.append(Level(width, native, near, fewer, target))
    return levels[::-1]


def nearest_power_of_two(stride: int) -> int:
    """The power of two with the smallest ratio: 16 for 12, 14 and 17; 8 for 7; 32 for 28."""
    return int(2 ** round(log2(stride)))


class PyramidAdapter(nn.Module):
    """Bring the maps of a backbone to the strides of a pyramid.

    Args:
        levels: from `plan_levels`, perhaps only the first; maps that fit are not changed.
        spatial_dims: axes of the maps: 2 for images, 3 for volumes.
    """

    def __init__(self, levels: Sequence[Level], spatial_dims: int = 2) -> None:
        super().__init__()
        self.features = FeatureInfo.by_axis(
            [level.target_channels for level in levels], [(level.target,) * spatial_dims for level in levels]
        )
        self.levels = nn.ModuleList(_Refine(level, spatial_dims) for level in levels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The levels (b, channels[i], ...) for the maps of the backbone."""
        return [refine(level) for refine, level in zip(self.levels, maps, strict=True)]


class _Refine(nn.Sequential):
    """Normalize a map and double its resolution repeatedly, halving its channels."""

    def __init__(self, level: Level, spatial_dims: int) -> None:
        double = AXES[spatial_dims].transposed_conv
        steps: list[nn.Module] = []
        channels = level.channels
        for step in range(level.doublings, 0, -1):
            fewer = level.target_channels if step == 1 else max(level.target_channels, channels // 2)
            steps += [ChannelLayerNorm(channels), double(channels, fewer, 2, 2), nn.GELU()]
            channels = fewer
        super().__init__(*steps)
