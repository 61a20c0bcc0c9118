"""What a plugin may say of a recipe."""

from pathlib import Path

import pytest

import unetzoo
from unetzoo.errors import PluginError
from unetzoo.registry.offers import checked_items


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"path": "thin.toml"}, "path of 'thin' must be a Path that ends in .toml, but is 'thin.toml'"),
        ({"path": Path("thin.json")}, "path of 'thin' must be a Path that ends in .toml, but is .*thin.json"),
        ({"summary": None}, "summary of 'thin' must be a text, but is None"),
        ({"domain": ("cells",)}, r"domain of 'thin' must be a text, but is \('cells',\)"),
    ],
)
def test_a_spec_of_other_types_is_one_error(fields, error):
    spec = unetzoo.RecipeSpec(**{"name": "thin", "path": Path("thin.toml"), **fields})
    with pytest.raises(PluginError, match=error):
        checked_items("recipe", [spec])
