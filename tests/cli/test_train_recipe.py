"""`unetzoo train --recipe`."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from unetzoo.nn.normalization import ClipNormalization
from unetzoo.training.recipe import Recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("recipe"), np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 2)):
        (folder / "cells" / kind).mkdir(parents=True)
        for name in "abc":
            pixels = random.integers(0, high, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "cells" / kind / f"{name}.png")
    return folder


@pytest.fixture
def train(invoke, tmp_path):
    def run(name, *arguments):
        return invoke("train", *map(str, arguments), "--out", str(tmp_path / name))

    return run


@pytest.fixture
def first(train, folder, tmp_path):
    """The folder of a run."""
    options = [
        "--encoder",
        "plain",
        "--encoder-option",
        "widths=4,8",
        "--steps",
        "4",
        "--epochs",
        "2",
        "--batch",
        "2",
        "--crop",
        "32",
    ]
    result = train("first", folder / "cells", *options, "--classes", "cell=1,rest=0", "--decoder-option", "dropout=0.1")
    assert result.exit_code == 0, result.output
    return tmp_path / "first"


def _weights(run):
    return load_file(run / "best" / "model.safetensors")


def test_a_recipe_makes_a_run_again_bit_by_bit(train, first, tmp_path):
    result = train("again", "--recipe", first / "recipe.toml")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    old, new = _weights(first), _weights(tmp_path / "again")
    assert all(torch.equal(new[name], old[name]) for name in old)
    assert (first / "history.jsonl").read_text() == (tmp_path / "again" / "history.jsonl").read_text()
    assert Recipe.load(first).command.startswith("unetzoo train ")
    assert Recipe.load(tmp_path / "again").command.endswith("again")


def test_a_recipe_is_taken_by_its_name_for_any_data(train, folder, tmp_path):
    small = ["--steps", "2", "--batch", "2", "--crop", "32"]
    result = train("named", folder / "cells", "--recipe", "cracks", *small)
    assert result.exit_code == 0, result.output
    own, cracks = Recipe.load(tmp_path / "named"), Recipe.load("cracks")
    assert (own.training.balance, own.training.steps) == (cracks.training.balance, 2)
    assert cracks.training.balance != Recipe().training.balance
    assert "receipt" not in (tmp_path / "named" / "recipe.toml").read_text()


def test_set_and_flags_replace_values_of_the_recipe_and_flags_come_last(train, first, tmp_path):
    changes = ["--set", "training.steps=6", "--set", "training.loss=ce + dice", "--set", "training.batch=4"]
    result = train("again", "--recipe", first, *changes, "--batch", "3", "--encoder-option", "depth=2")
    assert result.exit_code == 0, result.output
    run = json.loads((tmp_path / "again" / "run.json").read_text())
    assert [run["options"][name] for name in ("steps", "loss", "batch", "epochs")] == [6, "ce + dice", 3, 2]
    assert run["network"]["encoder_options"] == {"widths": [4, 8], "depth": 2}
    assert run["data"]["class_names"] == ["cell", "rest"]


def test_another_decoder_does_not_get_the_options_of_that_of_the_recipe(train, first, tmp_path):
    result = train("again", "--recipe", first, "--decoder", "fpn")
    assert result.exit_code == 0, result.output
    assert Recipe.load(tmp_path / "again").network.decoder_options == {}


def test_other_data_is_named_beside_the_recipe(train, first, folder, tmp_path):
    other = tmp_path / "other"
    (folder / "cells").rename(other)
    try:
        gone = train("again", "--recipe", first)
        assert (gone.exit_code, gone.stderr.count("\n")) == (2, 1)
        Image.fromarray(np.zeros((40, 40), np.uint8)).save(other / "images" / "a.png")
        changed = train("again", "--recipe", first, "--set", f"data.source={other}", "--set", "data.hash=blake2b:0")
        assert "are not those of the recipe, which says blake2b:0" in changed.stderr
        assert train("again", other, "--recipe", first).exit_code == 0
    finally:
        other.rename(folder / "cells")


def test_a_run_is_resumed_without_naming_its_data(train, first):
    result = train("first", "--resume", "--epochs", "3")
    assert result.exit_code == 0, result.output
    assert "continued from step 4" in result.stdout
    recipe = Recipe.load(first)
    assert (recipe.training.steps, recipe.network.decoder_options) == (6, {"dropout": 0.1})
    assert "--resume" not in recipe.command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "DATA is missing"),
        (["--recipe", "RUN", "--set", "training.step=5"], "unknown key 'training.step'; did you mean 'steps'?"),
        (["--recipe", "RUN", "--set", "steps=5"], "a key of a recipe is table.name, such as training.steps"),
        (["--recipe", "RUN", "--set", "training.steps"], "--set takes key=value"),
        (["--recipe", "RUN", "--set", "training.steps=none"], "training.steps must be a whole number"),
        (["--recipe", "nowhere.toml"], "the recipe nowhere.toml cannot be read: No such file"),
        (
            ["--recipe", "crack"],
            "no file 'crack', and no recipe named 'crack'; did you mean 'cracks'?",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(train, first, tmp_path, arguments, message):
    result = train("again", *(argument.replace("RUN", str(first)) for argument in arguments))
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "again").exists()


def test_flags_choose_a_normalization_for_all_channels_or_for_each(train, folder, tmp_path):
    options = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "1", "--epochs", "1", "--crop", "32"]
    for name, text, value in (
        ("word", "z-score", "z-score"),
        ("numbers", "-50,150,80,20", ClipNormalization(low=-50, high=150, mean=80, std=20)),
    ):
        result = train(name, folder / "cells", *options, "--batch", "1", "--normalization", text)
        assert result.exit_code == 0, result.output
        assert Recipe.load(tmp_path / name).data.normalization == (value,)
    result = train("again", "--recipe", tmp_path / "word" / "recipe.toml", "--set", "data.normalization=none")
    assert result.exit_code == 0, result.output
    assert Recipe.load(tmp_path / "again").data.normalization == ("none",)
    result = train("wrong", folder / "cells", "--normalization", "-50,150,80")
    assert result.exit_code == 2
    assert "normalization must be z-score, z-score of nonzero" in " ".join(result.stderr.split())
