"""Recipes: what a run writes, and what it takes to run it again."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from saved import same_weights
from squares import Squares

import unetzoo
from unetzoo import FitOptions, Recipe, fit, fit_recipe
from unetzoo.training.recipe import DataRecipe, NetworkRecipe
from unetzoo.training.recipe_file import change


@pytest.fixture
def cells(tmp_path):
    """The squares as files."""
    for kind in ("images", "masks"):
        (tmp_path / "cells" / kind).mkdir(parents=True)
    for image, mask, name in Squares(5, 0):
        Image.fromarray(image[..., 0]).save(tmp_path / "cells" / "images" / f"{name}.png")
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "cells" / "masks" / f"{name}.png")
    return tmp_path / "cells"


@pytest.fixture
def recipe(cells):
    network = NetworkRecipe(encoder="plain", encoder_options={"widths": (4, 8)}, decoder_options={"dropout": 0.1})
    data = DataRecipe(source=str(cells), classes={"rest": 0, "square": [1, 2]}, channels=["gray"])
    return Recipe(network=network, data=data, training=FitOptions(steps=3, epochs=1, batch=2, crop=32, seed=7))


def test_the_recipe_of_a_run_gives_the_same_weights_again(recipe, tmp_path):
    first = fit_recipe(recipe, tmp_path / "1")
    again = fit_recipe(tmp_path / "1" / "recipe.toml", tmp_path / "2")
    other = fit_recipe(Recipe.load(tmp_path / "1", {"training.seed": 8}), tmp_path / "3")
    assert same_weights(first.model, again.model)
    assert first.epochs == again.epochs
    assert not same_weights(first.model, other.model)


def test_the_recipe_of_a_run_is_that_which_was_run_with_hashes_versions_and_machine(recipe, tmp_path):
    fit_recipe(recipe, tmp_path / "run")
    written = Recipe.load(tmp_path / "run")
    assert written.data.hash == unetzoo.survey(recipe.data.source).digest
    assert written.network.weights.startswith("sha256:")
    assert written.versions["unetzoo"] == unetzoo.__version__
    assert "threads" in written.machine
    bare = replace(
        written,
        network=replace(written.network, weights=""),
        data=replace(written.data, hash=""),
        versions={},
        machine={},
    )
    assert bare.to_dict() == recipe.to_dict()


def test_a_run_that_begins_with_a_trained_network_is_made_again(recipe, tmp_path):
    fit_recipe(recipe, tmp_path / "base")
    further = Recipe.load(tmp_path / "base", {"network.start": str(tmp_path / "base"), "training.seed": 1})
    first = fit_recipe(further, tmp_path / "1")
    again = fit_recipe(tmp_path / "1", tmp_path / "2")
    assert same_weights(first.model, again.model)
    assert first.inheritance.lineage == again.inheritance.lineage
    with pytest.raises(unetzoo.OptionError, match="there is no folder"):
        fit_recipe(Recipe.load(tmp_path / "1", {"network.start": "gone"}), tmp_path / "3")


def test_a_run_is_resumed_without_the_weights_that_it_began_with(recipe, tmp_path):
    fit_recipe(recipe, tmp_path / "base")
    further = Recipe.load(tmp_path / "base", {"network.start": str(tmp_path / "base")})
    lineage = fit_recipe(further, tmp_path / "run").inheritance.lineage
    (tmp_path / "base").rename(tmp_path / "moved")
    longer = {"training.epochs": 2, "training.steps": 6, "network.pretrained": True}  # plain has no such weights
    result = fit_recipe(Recipe.load(tmp_path / "run", longer), tmp_path / "run", resume=True)
    assert result.epochs[-1].step == 6
    assert result.model.config.info.lineage == lineage


def test_the_card_says_that_the_recipe_needs_a_network_that_has_no_name(recipe, tmp_path):
    fit_recipe(recipe, tmp_path / "base")
    assert "--from" not in (tmp_path / "base" / "best" / "README.md").read_text()
    result = fit_recipe(
        replace(recipe, network=replace(recipe.network, start=str(tmp_path / "base"))), tmp_path / "run"
    )
    card = (tmp_path / "run" / "best" / "README.md").read_text()
    assert f"with `--from` and the network that it began with, {result.inheritance.lineage[0]}:" in card


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_data_that_has_changed_since_is_refused_unless_the_hash_is_removed(recipe, cells, tmp_path, kind):
    fit_recipe(recipe, tmp_path / "run")
    path = min((cells / kind).iterdir())
    pixels = np.asarray(Image.open(path))
    Image.fromarray(pixels[::-1]).save(path)  # as many pixels of each value
    with pytest.raises(unetzoo.DataError, match=r"are not those of the recipe, which says blake2b:\w+, but blake2b:"):
        fit_recipe(tmp_path / "run", tmp_path / "again")
    assert not (tmp_path / "again" / "recipe.toml").exists()
    fit_recipe(Recipe.load(tmp_path / "run", {"data.hash": None}), tmp_path / "again")


def test_images_that_are_read_otherwise_have_another_hash():
    tables = {"network": {"encoder": "plain"}, "data": {"source": "livers", "hash": "blake2b:0"}}
    assert "hash" not in change(tables, {"network.spatial_dims": 3})["data"]
    assert "hash" in change(tables, {"network.encoder": "resenc"})["data"]


def test_the_hash_is_that_of_the_pixels_wherever_they_lie(cells):
    before = unetzoo.survey(cells).digest
    for path in (cells / "images").iterdir():
        Image.open(path).save(path, compress_level=0)
    moved = cells.rename(cells.parent / "moved")
    assert unetzoo.survey(moved).digest == before


def test_another_version_and_other_weights_are_warned_of(recipe, tmp_path):
    fit_recipe(recipe, tmp_path / "run")
    written = Recipe.load(tmp_path / "run")
    changed = replace(
        written,
        versions={**written.versions, "torch": "1.0"},
        network=replace(written.network, weights="sha256:0"),
    )
    with pytest.warns(unetzoo.WeightsWarning, match=r"the weights to begin with, torch \S+ instead of 1.0"):
        fit_recipe(changed, tmp_path / "again")


def test_fit_writes_what_it_knows_of_a_network_that_was_created_in_python(make_model, squares, short, tmp_path):
    fit(make_model(dropout=0.2), squares, tmp_path, options=short, channels=["gray"])
    recipe = Recipe.load(tmp_path)
    assert recipe.network.decoder_options == {"norm": "group", "dropout": 0.2}
    assert (recipe.data.source, recipe.data.channels) == ("", ("gray",))
    assert replace(recipe.training, trackers=()) == short
    with pytest.raises(unetzoo.OptionError, match="does not name its data, which was opened in Python"):
        fit_recipe(recipe, tmp_path / "again")


def test_the_card_holds_the_recipe_without_the_places_of_files(recipe, cells, tmp_path):
    fit_recipe(replace(recipe, command="unetzoo train /secret"), tmp_path / "run")
    card = (tmp_path / "run" / "best" / "README.md").read_text()
    text = card.split("```toml\n")[1].split("\n```")[0]
    assert Recipe.from_dict(tomllib.loads(text)).training == recipe.training
    assert str(cells.parent) not in card
    assert "secret" not in card
    assert unetzoo.load(tmp_path / "run").config.info.recipe.strip() == text


def test_a_recipe_in_a_config_cannot_leave_its_fence_in_the_card(tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)})
    info = unetzoo.ModelInfo(recipe="a = 1\n```\n<script>\x1b[31m````")
    card = (unetzoo.save(model, tmp_path, info=info) / "README.md").read_text()
    assert "\n`````toml\na = 1\n```\n<script>\\x1b[31m````\n`````\n" in card


def test_a_saved_recipe_is_read_as_it_was(tmp_path):
    recipe = Recipe(
        network=NetworkRecipe(encoder_options={"depth": None, "taps": ["a", None]}, pretrained="a1_in1k", classes=1),
        data=DataRecipe(classes={"b": "#ff0000", "a": ["#000000", "#000001"]}, ignore=[0.5, -1], threshold=None),
        training=FitOptions(steps=5, learning_rate=1 / 3, seed=2**63 - 1, device="cpu", trackers=["trackio"]),
        command="unetzoo train 'a \"b\"' \\ ü",
    )
    assert Recipe.load(recipe.save(tmp_path / "mine.toml")) == recipe
    assert list(Recipe.load(tmp_path / "mine.toml").data.classes) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nstep = 5", "unknown key 'training.step'; did you mean 'steps'?"),
        ("[trainig]\nsteps = 5", "unknown key 'trainig'; did you mean 'training'?"),
        ("[network]\nencoder_option = {}", "unknown key 'network.encoder_option'; did you mean 'encoder_options'?"),
        ("[training]\nsteps = 'many'", "training.steps must be a whole number from 1 to 1e+09, got 'many'"),
        ("[training]\nloss = 5", "training.loss must be a text, got 5"),
        ("[training]\nactivation_checkpointing = 'no'", "training.activation_checkpointing must be True or False"),
        ("[network]\ndecoder = 5", "network.decoder must be a text, got 5"),
        ("[network]\nencoder_options = 5", "network.encoder_options must be a table of options, got 5"),
        ("[data]\nmasks = 'all'", "data.masks must be one of auto, instances, overlapping, exclusive; got"),
        ("[data]\nchannels = 5", "data.channels must be a list of texts, got 5"),
        ("[data]\nclasses = 5", "data.classes must be a list of texts, got 5"),
        ("[data]\nclasses = 'cell'", "data.classes must be a list of texts, got 'cell'"),
        ("[training]\ntrackers = 'wandb'", "training.trackers must be a list of texts, got 'wandb'"),
        ("[training]\ndevice = 5", "training.device must be a text, got 5"),
        ("[network]\nclasses = 0", "network.classes must be a whole number from 1 to 65,536, got 0"),
        ("machine = 5", "machine must be a table of texts, got 5"),
        ("versions = {torch = 2}", "versions must be a table of texts, got {'torch': 2}"),
        ("command = 5", "command must be a text, got 5"),
        (f"a = {'[' * 100_000}", "is not TOML"),
        ("training = 5", "training must be a table, got 5"),
        ("format = 2", "this unetzoo reads recipes of format 1, not 2"),
        ("a = ", "is not TOML: Invalid value"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_one_error_with_its_key(tmp_path, text, message):
    path = tmp_path / "recipe.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(unetzoo.OptionError) as error:
        Recipe.load(path)
    assert str(error.value).count(str(path)) == 1
    assert message in str(error.value)


def test_a_recipe_that_says_nothing_has_the_defaults(tmp_path):
    (tmp_path / "recipe.toml").write_text("")
    assert Recipe.load(tmp_path) == Recipe()
    assert Recipe().training == FitOptions()
