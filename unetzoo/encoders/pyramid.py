"""Make a pyramid of the maps that a backbone gives, where they are none: plain ViTs and odd strides.

A decoder wants each level at a power of two of input pixels, each finer than the next. A map of stride 14 stands for
one of 16; of several maps with one stride the earlier ones become the finer levels, through transposed convolutions, as
in ViTDet (arXiv:2203.16527, section 3) and UNETR (arXiv:2103.10504).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from torch import Tensor, nn

from unetzoo.errors import OptionError
from unetzoo.layers.norm import ChannelLayerNorm
from unetzoo.specs import FeatureInfo

_FEWEST_CHANNELS = 16


@dataclass(frozen=True)
class Level:
    """What becomes of one map.

    Attributes:
        channels: of the map.
        native: its stride, in pixels of the image that the backbone sees.
        stride: the power of two that this stands for.
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
        """How often the map's resolution is doubled."""
        return int(log2(self.stride // self.target))


def plan_levels(channels: Sequence[int], strides: Sequence[int], *, keep: bool = False) -> list[Level]:
    """The levels that the maps of a backbone become, shallow first.

    The deepest map stays where it is (at the nearest power of two); each earlier one comes to its own stride or to half
    of the next one's, whichever is finer.

    Args:
        channels: of each map, shallow first.
        strides: of each map, in pixels of the image that the backbone sees.
        keep: leave every map at its own stride, though several may have the same.

    Raises:
        OptionError: when there are so many maps that one would become finer than the image.
    """
    levels: list[Level] = []
    for have, native in zip(reversed(channels), reversed(strides), strict=True):
        near = nearest_power_of_two(native)
        target = near if keep or not levels else min(near, levels[-1].target // 2)
        if target < 1:
            raise OptionError(f"of {len(strides)} maps of strides {tuple(strides)} no pyramid can be made: use fewer")
        fewer = have if target == near else max(_FEWEST_CHANNELS, have * target // near)
        levels.append(Level(have, native, near, fewer, target))
    return levels[::-1]


def nearest_power_of_two(stride: int) -> int:
    """The power of two at the smallest ratio: 16 for 12 and 14 and 17, 8 for 7, 32 for 28."""
    return int(2 ** round(log2(stride)))


class PyramidAdapter(nn.Module):
    """Bring the maps of a backbone to the strides of a pyramid.

    Args:
        levels: from `plan_levels`, perhaps only the first of them; those that are in place pass as they are.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        super().__init__()
        self.features = FeatureInfo(
            tuple(level.target_channels for level in levels), tuple(level.target for level in levels)
        )
        self.levels = nn.ModuleList(_Refine(level) for level in levels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The levels (b, channels[i], ...) for the maps of the backbone, at about their size."""
        return [refine(level) for refine, level in zip(self.levels, maps, strict=True)]


class _Refine(nn.Sequential):
    """Normalise a map and double its resolution as often as the plan says, halving its channels on the way."""

    def __init__(self, level: Level) -> None:
        steps: list[nn.Module] = []
        channels = level.channels
        for step in range(level.doublings, 0, -1):
            fewer = level.target_channels if step == 1 else max(level.target_channels, channels // 2)
            steps += [ChannelLayerNorm(channels), nn.ConvTranspose2d(channels, fewer, 2, 2), nn.GELU()]
            channels = fewer
        super().__init__(*steps)
