"""`unetzoo train --from`."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo import Recipe

_SHORT = ["--steps", "2", "--epochs", "1", "--batch", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images and masks, and a run that learned them."""
    folder, random = tmp_path_factory.mktemp("from"), np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 2)):
        (folder / "cells" / kind).mkdir(parents=True)
        for name in "abc":
            pixels = random.integers(0, high, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "cells" / kind / f"{name}.png")
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    options = unetzoo.FitOptions(steps=2, epochs=1, batch=2)
    unetzoo.fit(model, folder / "cells", folder / "run", options=options, classes=["background", "cell"])
    return folder


@pytest.fixture
def train(invoke, folder, tmp_path):
    def run(*arguments):
        return invoke("train", str(folder / "cells"), "--out", str(tmp_path / "new"), *_SHORT, *map(str, arguments))

    return run


def test_the_parts_are_those_of_the_source_and_the_command_says_what_was_carried(train, folder, tmp_path):
    result = train("--from", folder / "run", "--classes", "background,dirt")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith("begins with sha256:")
    assert result.stdout.splitlines()[1:5] == [
        "  encoder plain: all 24 tensors carried, channels in their order",
        "  decoder unet: all 12 tensors carried",
        "  heads: carried background; fresh dirt; dropped cell",
        "  images: normalized by the statistics of the new data",
    ]
    run = json.loads((tmp_path / "new" / "run.json").read_text())
    assert (run["options"]["learning_rate"], run["options"]["encoder_rate"]) == (0.001, 0.1)
    assert run["network"]["encoder_options"] == {"widths": [4, 8]}


def test_another_decoder_takes_the_encoder_alone(train, folder):
    result = train("--from", folder / "run", "--decoder", "fpn", "--encoder", "plain", "--encoder-rate", "1")
    assert result.exit_code == 0, result.output
    assert "decoder fpn: fresh; that of the trained network is unet" in result.stdout


def test_a_network_of_objects_begins_with_one_of_classes_and_the_other_way_round(invoke, train, folder, tmp_path):
    result = train("--from", folder / "run", "--objects", "distance")
    assert result.exit_code == 0, result.output
    assert unetzoo.load(tmp_path / "new").config.objects == "distance"
    shutil.move(tmp_path / "new", tmp_path / "objects")
    result = train("--from", tmp_path / "objects", "--objects", "none", "--classes", "background,cell")
    assert result.exit_code == 0, result.output
    assert (unetzoo.load(tmp_path / "new").config.objects, unetzoo.load(tmp_path / "new").config.classes) == ("", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "nowhere"], "there is no folder 'nowhere' to load a network from"),
        (["--from", "RUN/best/config.json"], "--from is the folder of a network, such as"),
        (["--from", "RUN", "--pretrained"], "--pretrained and --from are two sources of weights"),
        (["--from", "RUN", "--encoder", "resnet18"], "the network of --from has the encoder 'plain', not 'resnet18'"),
        (["--from", "RUN", "--encoder-option", "widths=4,8,8"], "missing there: encoder.stages.2.0.weight"),
        (["--from", "RUN", "--channels", "red,green"], "the images have 1 channel; channels must name each once"),
    ],
    ids=["no folder", "a file", "pretrained", "another encoder", "other widths", "channels"],
)
def test_a_source_that_does_not_fit_is_one_line_and_leaves_nothing(train, folder, tmp_path, arguments, message):
    result = train(*(argument.replace("RUN", str(folder / "run")) for argument in arguments))
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "new" / "run.json").exists()


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of the Hub's client's own calls
def test_a_name_on_the_hub_is_pulled_and_becomes_the_base_of_the_card(
    train, folder, tmp_path, hub_address, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    unetzoo.push(folder / "run", "alice/from-cells")
    result = train("--from", "alice/from-cells")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("begins with alice/from-cells@")
    assert "\nbase_model: alice/from-cells\n" in (tmp_path / "new" / "best" / "README.md").read_text()
    start = Recipe.load(tmp_path / "new").network.start
    assert start == unetzoo.load(tmp_path / "new").config.info.lineage[0]  # with its commit
    shutil.move(tmp_path / "new", tmp_path / "first")
    again = train("--recipe", tmp_path / "first")
    assert again.stdout.splitlines()[0] == f"begins with {start}"
    absent = train("--from", "alice/nothing", "--resume")
    assert absent.exit_code == 2
    assert "there is no folder 'alice/nothing', and cannot pull 'alice/nothing'" in absent.stderr
