"""`unetzoo recipes`, and where a recipe is looked for."""

import json
import tomllib

import pytest
import tomlkit

import unetzoo
from unetzoo.errors import OptionError, UnknownNameError
from unetzoo.training.receipt import read_receipt
from unetzoo.training.recipe_file import recipe_path


def test_the_table_has_a_row_a_recipe_and_the_json_its_file(invoke):
    table = invoke("recipes")
    assert table.exit_code == 0
    listed = json.loads(invoke("recipes", "--json").stdout)
    assert [each["name"] for each in listed] == unetzoo.list_recipes()
    for each in listed:
        assert f"\n{each['name']} " in table.stdout
        tables = tomllib.loads(recipe_path(each["name"]).read_text())
        assert tables.pop("receipt", {}).items() <= (each["receipt"] or {}).items()
        assert tables["training"].items() <= each["recipe"]["training"].items()
        assert tables["network"].items() <= each["recipe"]["network"].items()
        assert each["provider"] == f"unetzoo {unetzoo.__version__}"


def test_a_name_prints_the_file_as_it_is(invoke):
    assert invoke("recipes", "cells").stdout == recipe_path("cells").read_text()
    assert [each["name"] for each in json.loads(invoke("recipes", "cells", "--json").stdout)] == ["cells"]
    result = invoke("recipes", "cell")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'cells'? (unetzoo recipes shows all" in result.stderr


def test_a_file_or_a_run_comes_before_a_name_and_a_folder_of_data_does_not(tmp_path, monkeypatch):
    own = recipe_path("cells")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells").mkdir()
    assert recipe_path("cells") == own
    (tmp_path / "cells" / "recipe.toml").write_text("format = 1")
    assert unetzoo.Recipe.load("cells") == unetzoo.Recipe()
    (tmp_path / "cracks").write_text('[training]\nloss = "ce"')
    assert unetzoo.Recipe.load("cracks").training.loss == "ce"
    with pytest.raises(UnknownNameError, match="no file 'crack', and no recipe named 'crack'; did you mean 'cracks'"):
        unetzoo.Recipe.load("crack")
    with pytest.raises(OptionError, match="elsewhere/cells cannot be read: No such file"):
        unetzoo.Recipe.load("elsewhere/cells")


def test_a_receipt_of_other_keys_or_values_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[receipt]\nscore = 1")
    with pytest.raises(OptionError, match=r"mine.toml must be a table of command, commit, .*, versions; it may"):
        read_receipt(path)
    tables = tomllib.loads(recipe_path("cells").read_text())
    for name, value in (("mean", "high"), ("mean", 1.5), ("values", 0.5), ("license", 0), ("parameters", 0.5)):
        path.write_text(tomlkit.dumps({"receipt": tables["receipt"] | {name: value}}))
        with pytest.raises(OptionError, match=rf"the receipt of the recipe .*mine.toml: {name} must be .*, got "):
            read_receipt(path)
    path.write_text("format = 1")
    assert read_receipt(path) is None
