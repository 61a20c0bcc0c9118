"""The levels of a pyramid that a decoder uses."""

from unetzoo.errors import ShapeError
from unetzoo.features import FeatureInfo

_USUAL = 4


def chosen(features: FeatureInfo, levels: tuple[int, ...]) -> FeatureInfo:
    """The pyramid of only these levels."""
    return FeatureInfo.by_axis(
        [features.channels[level] for level in levels], [features.axis_reductions[level] for level in levels]
    )


def coarse_levels(features: FeatureInfo, finest: int = _USUAL) -> tuple[int, ...]:
    """The levels of at least that reduction, shallow first; all levels if there are fewer than two of them.

    Raises:
        ShapeError: for a pyramid of fewer than two levels.
    """
    _need_two(features)
    levels = tuple(level for level, reduction in enumerate(features.reductions) if reduction >= finest)
    return levels if len(levels) > 1 else tuple(range(len(features)))


def fine_level(features: FeatureInfo, reduction: int = _USUAL) -> int:
    """The deepest level of at most that reduction, except the deepest of all; the shallowest if there is none.

    Raises:
        ShapeError: for a pyramid of fewer than two levels.
    """
    _need_two(features)
    finer = [level for level, have in enumerate(features.reductions[:-1]) if have <= reduction]
    return finer[-1] if finer else 0


def _need_two(features: FeatureInfo) -> None:
    if len(features) < 2:
        raise ShapeError(f"this decoder needs at least two levels, got {features}")
