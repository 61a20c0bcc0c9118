"""Volumes as batches of slices, for backbones of images."""

from collections.abc import Sequence

from torch import Tensor

from unetzoo.features import FeatureInfo


def features_of_slices(features: FeatureInfo) -> FeatureInfo:
    """The pyramid of volumes whose slices have the pyramid `features`: its reductions along the depth are 1."""
    return FeatureInfo.by_axis(features.channels, [(1, *sides) for sides in features.axis_reductions])


def fold(volume: Tensor) -> Tensor:
    """The slices (b * d, c, h, w) of volumes (b, c, d, h, w); without a copy in the order `torch.channels_last_3d`."""
    return volume.transpose(1, 2).flatten(0, 1)


def unfold(levels: Sequence[Tensor], depth: int) -> list[Tensor]:
    """The levels (b, c, d, h, w) of volumes from those of their slices, (b * d, c, h, w), without a copy."""
    return [level.reshape(-1, depth, *level.shape[1:]).transpose(1, 2) for level in levels]
