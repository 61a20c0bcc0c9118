"""Objects on the command line: from label images to label images."""

import json

import numpy as np
import pytest
import torch
from cells import Cells
from PIL import Image

import unetzoo

_SMALL = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "4", "--epochs", "1", "--batch", "2"]


@pytest.fixture
def cells(tmp_path):
    data = Cells(4, 0)
    for kind in ("images", "masks"):
        (tmp_path / "cells" / kind).mkdir(parents=True)
    for index in range(4):
        Image.fromarray(data[index].image[..., 0]).save(tmp_path / "cells" / "images" / f"{index}.png")
        labels = data.instances(index).astype(np.uint8)
        Image.fromarray(labels).save(tmp_path / "cells" / "masks" / f"{index}.png")
    return tmp_path / "cells"


def test_label_images_become_a_network_that_writes_and_scores_label_images(invoke, cells, tmp_path):
    run = str(tmp_path / "run")
    options = ["--objects", "distance", "--objects-option", "min_size=3"]
    result = invoke("train", str(cells), "--out", run, *options, *_SMALL)
    assert result.exit_code == 0, result.output
    assert "objects by distance" in result.stdout
    assert "the losses of its maps" in result.stdout
    assert "AP 0." in result.stdout
    assert "decoder tuned on 1 image: " in result.stdout
    assert " as tuned, is in " in result.stdout
    config = unetzoo.load(tmp_path / "run" / "best").config
    assert (config.objects, config.classes) == ("distance", 3)
    assert config.objects_options["min_size"] >= 3

    resumed = invoke("train", str(cells), "--out", run, "--resume", "--epochs", "2")
    assert resumed.exit_code == 0, resumed.output

    result = invoke("predict", run, str(cells / "images"), str(tmp_path / "labels"))
    assert result.exit_code == 0, result.output
    model = unetzoo.load(tmp_path / "run" / "best").eval()
    image = np.asarray(Image.open(cells / "images" / "2.png"))
    labels = np.asarray(Image.open(tmp_path / "labels" / "2.png"))
    np.testing.assert_array_equal(labels, unetzoo.predict_objects(model, image))

    result = invoke("evaluate", run, str(cells), "--json", str(tmp_path / "scores.json"))
    assert result.exit_code == 0, result.output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert "AP" in scores["objects"]["scores"]
    assert scores["objects"]["counts"].keys() == scores["cases"][0]["objects"].keys()


def test_tune_stores_the_decoders_options_with_the_network(invoke, cells, tmp_path):
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (8, 16)}, "in_channels": 1, "objects_options": {"threshold": 0.95}}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options)
    training = unetzoo.FitOptions(steps=20, epochs=1, batch=4, learning_rate=1e-2)
    folder = unetzoo.fit(model, {"train": Cells(4, 0)}, tmp_path / "run", options=training).folder
    before = unetzoo.load(folder)

    table = invoke("tune", str(folder), str(cells), "--masks", "instances", "--split", "all")
    assert table.exit_code == 0, table.output
    assert "tuned on 4 images" in table.stdout
    after = unetzoo.load(folder)
    assert after.config.objects_options["threshold"] < 0.95
    assert all(torch.equal(value, before.state_dict()[name]) for name, value in after.state_dict().items())

    again = invoke("tune", str(folder), str(cells), "--masks", "instances", "--split", "all", "--json", "-")
    report = json.loads(again.stdout)
    assert (report["options"], report["images"]) == (after.config.objects_options, 4)
    assert report["before"] == report["after"]


def test_tune_needs_a_folder(invoke, cells):
    result = invoke("tune", "user/cells", str(cells))
    assert result.exit_code == 2
    assert "MODEL is the folder that keeps the options, and user/cells is not a folder; pull it first" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--objects", "distances"], "did you mean 'distance'"),
        (["--objects", "distance", "--objects-option", "sigma=3"], "has no option 'sigma'"),
        (["--objects-option", "sigma=3"], "--objects-option needs the name of a coding"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(options, message, invoke, tmp_path):
    result = invoke("train", str(tmp_path / "nothing"), "--out", str(tmp_path / "run"), *options)
    assert result.exit_code != 0
    assert message in str(result.exception or result.output) + result.output


@pytest.mark.filterwarnings("ignore:the masks do not number objects:unetzoo.DataWarning")
def test_a_run_with_named_classes_is_resumed_and_evaluated_without_naming_them_again(invoke, tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "cells" / kind).mkdir(parents=True)
    for index in range(4):
        numbers = Cells(4, 0).instances(index)
        classes = np.where(numbers > 0, 1 + numbers % 2, 0).astype(np.uint8)
        Image.fromarray(40 + 50 * classes).save(tmp_path / "cells" / "images" / f"{index}.png")
        Image.fromarray(classes).save(tmp_path / "cells" / "masks" / f"{index}.png")
    data, run = str(tmp_path / "cells"), str(tmp_path / "run")
    named = ["--objects", "components", "--classes", "background,round,flat"]
    assert invoke("train", data, "--out", run, *named, *_SMALL).exit_code == 0
    assert invoke("train", data, "--out", run, "--resume", "--epochs", "2").exit_code == 0
    result = invoke("evaluate", run, data, "--json", "-")
    assert list(json.loads(result.stdout)["object_classes"]) == ["round", "flat"]


def test_label_images_are_read_for_a_network_that_no_training_saved(invoke, cells, tmp_path):
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    unetzoo.save(unetzoo.create("unet", encoder="plain", objects="components", **options), tmp_path / "net")
    result = invoke("evaluate", str(tmp_path / "net"), str(cells), "--split", "all", "--json", "-")
    counts = json.loads(result.stdout)["objects"]["counts"]
    assert counts["found"] + counts["missed"] == sum(Cells(4, 0).instances(index).max() for index in range(4))
