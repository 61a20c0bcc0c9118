"""A sound recipe, and for each rule of the battery one that breaks it."""

from pathlib import Path

import unetzoo


def _recipe(name):
    path = Path(__file__).parent / "recipe_files" / f"{name}.toml"
    return unetzoo.RecipeSpec(name=name, path=path, summary="small networks")


Sound = _recipe("sound")
BREAKERS = {name: _recipe(name) for name in ("can_be_read", "suits_other_data", "is_a_network")}
