"""What a recipe says of a combination of a grid: its parts, as they are written there, and options of the training."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from unetzoo.errors import OptionError
from unetzoo.training.options import FitOptions
from unetzoo.training.recipe import DataRecipe, NetworkRecipe, Recipe

_CARRIED = ("decoder", "encoder", "objects")
# what the data of the grid decides, and what only says how a run began
_OF_DATA, _UNREAD = ("spacing", "normalization", "nested", "slices", "axis"), ("classes", "weights")
# which are those of the grid, or of the machine, or fields of a combination by themselves
_OWN = ("loss", "batch", "crop", "seed", "steps", "epochs", "minutes", "checkpoint_steps")
_OF_MACHINE = ("device", "workers", "trackers")


def fields_of_recipe(name: str) -> dict[str, Any]:
    """The fields of a `Combination` that a recipe fills; its length and its data are those of the grid.

    Args:
        name: of a recipe, or its file or the folder of a run, as `Recipe.load` reads it.

    Raises:
        OptionError: the recipe cannot be read, or says something of the network or the images that no grid does.
        UnknownNameError: there is no recipe of that name, or no part that it names.
    """
    from unetzoo.catalog import describe

    recipe = Recipe.load(name)
    _refuse_more(name, recipe)
    network, training = recipe.network, recipe.training
    describe("decoder", network.decoder)
    describe("encoder", network.encoder)
    return {
        "recipe": name,
        "decoder": _written(network.decoder, network.decoder_options),
        "encoder": _written(network.encoder, network.encoder_options),
        "objects": _written(network.objects, network.objects_options) if network.objects else "",
        "loss": training.loss,
        "training": _differing(training, FitOptions(), without=(*_OWN, *_OF_MACHINE)),
        "batch": training.batch,
        **({"crop": training.crop} if training.crop else {}),
    }


def _refuse_more(name: str, recipe: Recipe) -> None:
    """Raise OptionError for what a recipe says that a grid would leave out in silence."""
    carried = (*_CARRIED, *(f"{part}_options" for part in _CARRIED), *_UNREAD)
    of_data = _differing(recipe.data, DataRecipe())
    more = [
        *(f"network.{key}" for key in _differing(recipe.network, NetworkRecipe(), without=carried)),
        *(f"data.{key}" for key in _OF_DATA if key in of_data),
    ]
    if more:
        raise OptionError(
            f"the recipe {name} has {', '.join(more)}, but a grid trains networks of images from random weights, by "
            "their parts and options of the training: train it with `unetzoo train --recipe`"
        )


def _differing(values: object, defaults: object, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of options that are not as by default."""
    names = [field.name for field in fields(values) if field.name not in without]  # type: ignore[arg-type] # a dataclass
    return {name: value for name in names if (value := getattr(values, name)) != getattr(defaults, name)}


def _written(name: str, options: Mapping[str, Any]) -> str:
    """A part as `parse_call` reads it."""
    if not options:
        return name
    return f"{name}({', '.join(f'{option}={value!r}' for option, value in options.items())})"
