"""The stages of a U-Net-like decoder: their resolutions, their channels, and the path through them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from unetzoo.checks import check_widths
from unetzoo.errors import OptionError, ShapeError
from unetzoo.features import Factor, FeatureInfo, along_axes, as_factor, quotient

_WIDEST = 256


def stage_reductions(features: FeatureInfo) -> tuple[Factor, ...]:
    """The reduction of each stage's output, deepest stage first: one number, or one for each axis where they differ.

    There is one stage per step between levels, then stages without a skip that double the resolution along the axes
    whose reduction is even: (2, 4, 8) gives (4, 2, 1); (4, 8) gives (4, 2, 1).

    Raises:
        ShapeError: for a pyramid of fewer than two levels.
    """
    if len(features) < 2:
        raise ShapeError(f"a decoder needs at least two levels, got {features}")
    reductions = list(features.axis_reductions[-2::-1])
    while any(number % 2 == 0 for number in reductions[-1]):
        reductions.append(tuple(number if number % 2 else number // 2 for number in reductions[-1]))
    return tuple(map(as_factor, reductions))


def step_factors(features: FeatureInfo) -> tuple[Factor, ...]:
    """The factor of upsampling of each step between levels, deepest first: one number, or one for each axis."""
    return tuple(quotient(deep, shallow) for deep, shallow in pairwise(features.axis_reductions[::-1]))


def stage_factors(features: FeatureInfo) -> tuple[Factor, ...]:
    """The factor of upsampling of each stage, deepest first, those without a skip included."""
    reductions = [along_axes(reduction, features.spatial_dims) for reduction in stage_reductions(features)]
    return tuple(quotient(deep, shallow) for deep, shallow in pairwise((features.axis_reductions[-1], *reductions)))


def stage_widths(features: FeatureInfo, widths: Sequence[int] | None) -> tuple[int, ...]:
    """The channels of each stage's output, deepest stage first.

    Args:
        features: the pyramid.
        widths: the user's choice, or None: 16 channels at full resolution (32 if the encoder has features there, as in
            the original U-Net), doubled at each halving of the most reduced axis, at most 256.

    Raises:
        OptionError: unless there is one width per stage; the widths of the last stages, which have no skip, may be left
            out together, so that the decoder ends at the shallowest level.
    """
    reductions = stage_reductions(features)
    if widths is None:
        at_full = 32 if features.reductions[0] == 1 else 16
        largest = (max(along_axes(reduction, features.spatial_dims)) for reduction in reductions)
        return tuple(min(_WIDEST, at_full * reduction) for reduction in largest)
    if len(widths) not in (len(reductions), len(features) - 1):
        raise OptionError(
            f"this pyramid needs {len(reductions)} widths, for the reductions {', '.join(map(str, reductions))}"
            f" (or only the first {len(features) - 1}); got {tuple(widths)}"
        )
    return check_widths("widths", widths)


@dataclass(frozen=True)
class Stage:
    """The inputs and the output of one stage of a U-Net-like decoder.

    Attributes:
        deep_channels: channels of the deeper map, which the stage upsamples.
        skip_channels: channels of the level's features, one number; empty beyond the shallowest level.
        out_channels: channels of the output.
        factor: factor of upsampling: one number, or one for each axis where they differ.
        reduction: image pixels per pixel of the output, likewise.
    """

    deep_channels: int
    skip_channels: tuple[int, ...]
    out_channels: int
    factor: Factor
    reduction: Factor


def plan_stages(features: FeatureInfo, widths: Sequence[int] | None) -> list[Stage]:
    """The stages from the deepest level to the shallowest, and to full resolution if there are widths for it.

    Arguments and errors are those of `stage_widths`.
    """
    outputs = stage_widths(features, widths)
    inputs = (features.channels[-1], *outputs)
    skips = [(channels,) for channels in features.channels[-2::-1]]
    steps = zip(outputs, stage_factors(features), stage_reductions(features), strict=False)
    return [
        Stage(inputs[index], skips[index] if index < len(skips) else (), width, factor, reduction)
        for index, (width, factor, reduction) in enumerate(steps)
    ]


def run_stages(stages: Iterable[nn.Module], deep: Tensor, features: Sequence[Tensor]) -> Tensor:
    """The last stage's output; each stage fuses the deeper map (first `deep`) with its level's features, if any."""
    skips = features[-2::-1]
    for index, stage in enumerate(stages):
        deep = stage(deep, skips[index : index + 1])
    return deep
