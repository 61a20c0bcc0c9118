"""A plan as the recipe that `unetzoo train --recipe` runs, to read and to change."""

from collections.abc import Iterator
from dataclasses import asdict
from math import prod, sqrt
from typing import Any

from unetzoo.checks import Precision, plain
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.masks.options import MaskOptions
from unetzoo.planning.planner import Plan
from unetzoo.planning.reasons import has_one_spacing, is_resampled, reasons_of, spacing_of
from unetzoo.training.recipe import Recipe

_NETWORK = ("encoder", "encoder_options", "decoder_options")


def recipe_text(plan: Plan, source: str, masks: MaskOptions, precision: Precision = "float32") -> str:
    """The text of a recipe with what a plan chooses; all else has its default. The reasons are comments.

    Args:
        plan: to be written.
        source: of the data, as `unetzoo train` takes it.
        masks: what the user says of the masks.
        precision: of the arithmetic.

    Raises:
        OptionError: a value that a recipe does not take.
    """
    import tomlkit

    tables = recipe_tables(plan, source, masks, precision)
    Recipe.from_dict(tables)
    document = tomlkit.document()
    for line in _comments(plan):
        document.add(tomlkit.comment(line))
    document.update(tables)
    return tomlkit.dumps(document)


def _comments(plan: Plan) -> Iterator[str]:
    yield "Planned by `unetzoo plan` for `unetzoo train --recipe`, to read and to change:"
    yield from (f"- {reason}" for reason in reasons_of(plan))
    lacks = []
    if not (is_resampled(plan) or has_one_spacing(plan)):
        lack = "it does not resample files that state no unit of length"
        lacks.append(f"{lack}: bring images and masks to a spacing of {spacing_of(plan)} before")
    if plan.spatial_dims == 2 and len({*plan.patch}) > 1:
        lacks.append("its crops of images are squares, here of about as many pixels as the patch")
    if lacks:
        yield "unetzoo train does not do all of it:"
        yield from (f"- {each}" for each in lacks)


def recipe_tables(plan: Plan, source: str, masks: MaskOptions, precision: Precision = "float32") -> dict[str, Any]:
    """The tables of that recipe."""
    network = {"decoder": "unet"} | {name: plan.network[name] for name in _NETWORK}
    if plan.spatial_dims == 3:
        network["spatial_dims"] = 3
    training: dict[str, Any] = {"batch": plan.batch, "crop": _crop(plan)}
    if precision != "float32":
        training["precision"] = precision
    return {"format": 1, "network": network, "data": {"source": source, **_data(plan, masks)}, "training": training}


def _data(plan: Plan, masks: MaskOptions) -> dict[str, Any]:
    """What is said of images and masks beyond the defaults."""
    usual = MaskOptions()
    names = ("classes", "masks", "ignore", "threshold", "nearest_color")
    said = {name: plain(getattr(masks, name)) for name in names if getattr(masks, name) != getattr(usual, name)}
    channels = [channel.name for channel in plan.fingerprint.channels]
    if all(channels):
        said["channels"] = channels
    if is_resampled(plan):
        said["spacing"] = [*plan.spacing]
    values = [each.value for each in plan.normalization]
    written = [each if isinstance(each, str) else asdict(each) for each in values]
    said["normalization"] = written[:1] if len({*values}) == 1 else written
    if plan.slice_axis is not None:
        said |= {"slices": 1, "axis": AXES[plan.slice_axis]}
    return said


def _crop(plan: Plan) -> int | list[int]:
    """The patch; of images the side of a square with about as many pixels, a multiple of what the levels need."""
    if plan.spatial_dims == 3:
        return [*plan.patch]
    divisor: int = max(2 ** sum(stride[axis] == 2 for stride in plan.strides) for axis in range(2))
    return max(1, round(sqrt(prod(plan.patch)) / divisor)) * divisor
