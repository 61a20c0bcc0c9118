"""The plan of `unetzoo train --spatial-dims 3` where nothing else is said of the network and its crops."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unetzoo.cli.output import say, show
from unetzoo.cli.progress import counting, is_first_process
from unetzoo.errors import DataError, OptionError

if TYPE_CHECKING:
    from unetzoo.checks import Precision
    from unetzoo.data.survey.survey import Survey
    from unetzoo.planning.fingerprint import Fingerprint
    from unetzoo.training.recipe import Recipe

_PLANNED = ("training.crop", "training.batch", "data.spacing")  # and all of the network
_BESIDE = ("network.objects", "network.objects_options")  # which a plan leaves open
_CUBE = (1.0, 1.0, 1.0)


def _is_to_plan(tables: Mapping[str, Any]) -> bool:
    """Whether the flags ask for a network over three axes, and say nothing else that a plan chooses."""
    said = {f"{table}.{key}" for table, values in tables.items() for key in values}
    of_network = {key for key in said if key.startswith("network.")} - {*_BESIDE}
    has_three = tables.get("network", {}).get("spatial_dims") == 3
    return has_three and of_network == {"network.spatial_dims"} and not said & {*_PLANNED}


def planned(recipe: "Recipe", tables: Mapping[str, Any], survey: "Survey") -> "Recipe":
    """A recipe with what a plan chooses, if flags ask for three axes and say nothing of what it would choose.

    Args:
        recipe: of the training.
        tables: what the flags say; empty if there is a recipe, a run or a trained network beside them.
        survey: of the data.

    Returns:
        The same recipe if it is not to be planned, or cannot be, which is said.
    """
    from unetzoo.planning.memory import memory_at_hand
    from unetzoo.planning.planner import plan_for
    from unetzoo.planning.reasons import reasons_of
    from unetzoo.planning.recipe import recipe_tables
    from unetzoo.training.recipe import Recipe

    if survey.errors or not _is_to_plan(tables):
        return recipe
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        _refuse("several processes train together, each of which might plan otherwise")
        return recipe
    machine, source = memory_at_hand(), recipe.data.source
    try:
        plan = plan_for(_fingerprint(survey, recipe), memory=machine.size, spatial_dims=3)
    except (DataError, OptionError) as error:
        _refuse(str(error))
        return recipe
    precision: Precision = "bfloat16" if machine.is_of_gpu else "float32"
    lines = [f"memory {machine.size:g} GB: {machine.source}", *reasons_of(plan)]
    show(
        "planned, since nothing is said of network, crop, batch and spacing:",
        *(f"  {line}" for line in lines),
        f"to change it: unetzoo plan {source} --spatial-dims 3 --out plan.toml; unetzoo train --recipe plan.toml ...",
    )
    chosen = recipe_tables(plan, source, recipe.data.mask_options, precision)
    merged = {table: {**chosen.get(table, {}), **tables.get(table, {})} for table in ("network", "data", "training")}
    return replace(Recipe.from_dict(merged), command=recipe.command)


def _refuse(reason: str) -> None:
    if is_first_process():
        say("warning:", "yellow", f"the training is not planned, as by `unetzoo plan`: {reason}")


def _fingerprint(survey: "Survey", recipe: "Recipe") -> "Fingerprint":
    """That of the data; voxels are cubes if no file states distances."""
    from unetzoo.data.formats.orientation import orientation_of
    from unetzoo.data.masks.options import MaskOptions
    from unetzoo.planning.measure import measure, names_in

    grids = [reading.image.grid for reading in survey.readings if reading.image]
    are_cubes = not any(orientation_of(grid).unit for grid in grids)
    with counting("planning") as on_read:
        return measure(
            survey,
            MaskOptions(),
            channels=recipe.data.channels or names_in(recipe.data.source),
            spacing=_CUBE if are_cubes else (),
            on_read=on_read,
        )
