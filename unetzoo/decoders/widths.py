"""The resolutions of a decoder's stages, and how many channels each has."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from unetzoo.checks import check_widths
from unetzoo.errors import OptionError, ShapeError
from unetzoo.specs import FeatureInfo

_WIDEST = 256


def stage_reductions(features: FeatureInfo) -> tuple[int, ...]:
    """The reduction of each stage's output, deepest stage first.

    One stage for each step between levels, then stages without a skip that double the resolution while the shallowest
    reduction is even: (2, 4, 8) gives (4, 2, 1); (4, 8) gives (4, 2, 1).

    Raises:
        ShapeError: for a pyramid of fewer than two levels.
    """
    if len(features) < 2:
        raise ShapeError(f"a decoder needs at least two levels, got {features}")
    reductions = list(features.reductions[-2::-1])
    while reductions[-1] % 2 == 0:
        reductions.append(reductions[-1] // 2)
    return tuple(reductions)


def step_factors(features: FeatureInfo) -> tuple[int, ...]:
    """By how much each step between levels upsamples, deepest first."""
    deepest_first = features.reductions[::-1]
    return tuple(deep // shallow for deep, shallow in pairwise(deepest_first))


def stage_widths(features: FeatureInfo, widths: Sequence[int] | None) -> tuple[int, ...]:
    """The channels of each stage's output, deepest stage first.

    Args:
        features: the pyramid.
        widths: what the user asked for, or None: 16 channels at full resolution (32 where the encoder has features
            there, as in 2015), twice as many at each halving, at most 256.

    Raises:
        OptionError: when there is not one width for each stage; those for the last stages, which have no skip, may be
            left out together, and then the decoder ends at the shallowest level.
    """
    reductions = stage_reductions(features)
    if widths is None:
        at_full = 32 if features.reductions[0] == 1 else 16
        return tuple(min(_WIDEST, at_full * reduction) for reduction in reductions)
    if len(widths) not in (len(reductions), len(features) - 1):
        raise OptionError(
            f"this pyramid needs {len(reductions)} widths, for the reductions {', '.join(map(str, reductions))}"
            f" (or only the first {len(features) - 1}); got {tuple(widths)}"
        )
    return check_widths("widths", widths)


@dataclass(frozen=True)
class Stage:
    """What one stage of a U-Net-like decoder takes and gives.

    Attributes:
        deep_channels: of the deeper map that it upsamples.
        skip_channels: of the level's features, one number; empty beyond the shallowest level.
        out_channels: of its result.
        factor: by how much it upsamples.
        reduction: input pixels per pixel of its result, along each axis.
    """

    deep_channels: int
    skip_channels: tuple[int, ...]
    out_channels: int
    factor: int
    reduction: int


def plan_stages(features: FeatureInfo, widths: Sequence[int] | None) -> list[Stage]:
    """The stages from the deepest level to the shallowest, and on to full resolution where `widths` go on.

    Args:
        features: the pyramid.
        widths: as `stage_widths` takes them.

    Raises:
        OptionError, ShapeError: as `stage_widths`.
    """
    outputs = stage_widths(features, widths)
    inputs = (features.channels[-1], *outputs)
    skips = [(channels,) for channels in features.channels[-2::-1]]
    factors = step_factors(features)
    return [
        Stage(
            inputs[index],
            skips[index] if index < len(skips) else (),
            width,
            factors[index] if index < len(factors) else 2,
            reduction,
        )
        for index, (width, reduction) in enumerate(zip(outputs, stage_reductions(features), strict=False))
    ]
