"""Why a plan is as it is, in sentences."""

from collections.abc import Iterator, Sequence

import numpy as np

from unetzoo._utils.texts import count_of
from unetzoo._utils.units import meters_of
from unetzoo.data.formats.orientation import AXES
from unetzoo.planning.planner import Plan

_ALIKE = 0.01
_SMALL = 0.25  # part of the median case
_LEAST = 2


def reasons_of(plan: Plan) -> tuple[str, ...]:
    """The reasons for spacing, patch, levels, kernels, batch and normalization, a sentence or two each."""
    return tuple(_reasons(plan))


def spacing_of(plan: Plan) -> str:
    """The spacing in words."""
    return f"{_sides(plan.spacing)} {plan.fingerprint.unit or 'pixels'}"


def is_resampled(plan: Plan) -> bool:
    """Whether a training by the plan can bring the cases to its spacing: their files state a unit of length."""
    return meters_of(plan.fingerprint.unit) is not None


def has_one_spacing(plan: Plan) -> bool:
    """Whether all cases have the spacing of the plan, within a hundredth."""
    spacings = np.array(plan.fingerprint.spacings)[:, list(plan.axes)]
    return bool(np.allclose(spacings, plan.spacing, rtol=_ALIKE, atol=0))


def normalization_of(plan: Plan) -> str:
    """The normalization of each channel in words, once if all are alike."""
    texts = [each.text for each in plan.normalization]
    if len({*texts}) == 1:
        return texts[0]
    names = [each.intensities.name or f"channel {number}" for number, each in enumerate(plan.normalization, 1)]
    return "; ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))


def _reasons(plan: Plan) -> Iterator[str]:
    yield f"spacing {spacing_of(plan)}: {_spacing(plan)}"
    if plan.slice_axis is not None:
        yield f"slices along {AXES[plan.slice_axis]}, the axis with the largest spacing"
    yield f"patch {_sides(plan.patch)} of the median case of {_sides(plan.median_shape)} pixels: {_patch(plan)}"
    yield _levels(plan)
    yield f"batch {plan.batch}: {_batch(plan)}"
    yield f"normalization: {normalization_of(plan)}"


def _spacing(plan: Plan) -> str:
    cases = count_of(len(plan.fingerprint.spacings), "case")
    medians = np.median(plan.fingerprint.spacings, axis=0)[list(plan.axes)]
    if np.array_equal(medians, plan.spacing):
        return f"the median of {cases}"
    return f"the median of {cases}, and where slices are few and thick that of the thinnest tenth of them"


def _patch(plan: Plan) -> str:
    size = f"{plan.memory:g} GB"
    if all(side >= length for side, length in zip(plan.patch, plan.median_shape, strict=True)):
        return f"all of it fits in {size}"
    if plan.covered >= _SMALL or plan.spatial_dims == 2:
        return f"the largest of about its proportions that fits in {size}"
    return (
        f"the largest of about its proportions that fits in {size}; it sees {plan.covered:.0%} of it, where nnU-Net "
        "adds a network of larger pixels, which is not planned here: bring the volumes to larger pixels if the "
        "surroundings matter"
    )


def _levels(plan: Plan) -> str:
    names = AXES[3 - plan.fingerprint.spatial_dims :]
    halvings = [sum(stride == 2 for stride in strides) for strides in zip(*plan.strides, strict=True)]
    if len({*halvings}) == 1:
        text = f"{count_of(len(plan.strides), 'level')}: all axes are halved until a map has fewer than 8 pixels"
    else:
        counts = (f"{names[axis]} {count}" for axis, count in zip(plan.axes, halvings, strict=True))
        text = (
            f"{count_of(len(plan.strides), 'level')}: axes are halved where pixels are short and many "
            f"({', '.join(counts)} times)"
        )
    flat = [names[axis] for axis, sides in zip(plan.axes, zip(*plan.kernels, strict=True), strict=True) if 1 in sides]
    along = f"; kernels are 1 wide along {' and '.join(flat)} until pixels are nearly as long as wide" if flat else ""
    return f"{text}{along}"


def _batch(plan: Plan) -> str:
    if plan.batch == _LEAST:
        return "the least, so that the patch may be large"
    if plan.encoder == "plain":
        return "what fits in memory, but no more than a twentieth of all pixels"
    return "what fits in memory, but no more than all pixels"


def _sides(numbers: Sequence[float]) -> str:
    return " x ".join(f"{each:.4g}" for each in numbers)
