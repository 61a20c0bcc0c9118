"""Tables, outlines and pictures of objects on the command line."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    parts = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1, "objects": "components"}
    model = unetzoo.create("unet", encoder="plain", **parts).eval()
    threshold = float(np.quantile(unetzoo.predict(model, IMAGE), 0.85))
    model.config = replace(model.config, objects_options={"threshold": threshold, "min_size": 3})
    return str(unetzoo.save(model, tmp_path / "run" / "best").parent)


@pytest.fixture
def images(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(IMAGE).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_one_command_writes_labels_table_summary_outlines_and_pictures(invoke, run, images, tmp_path):
    places = {name: str(tmp_path / name) for name in ("cells.csv", "summary.csv", "outlines", "pictures")}
    flags = zip(("--table", "--summary", "--outlines", "--overlay"), places.values(), strict=True)
    options = [*(part for flag in flags for part in flag), "--pixel-size", "0.5um"]
    result = invoke("predict", run, str(images), str(tmp_path / "labels"), *options)
    assert result.exit_code == 0, result.output
    names = ("table", "summary", "outlines", "overlay")
    written = [f"{name}: {place}" for name, place in zip(names, places.values(), strict=True)]
    assert result.stdout.splitlines()[1:] == written
    labels = np.asarray(Image.open(tmp_path / "labels" / "b.png"))
    with (tmp_path / "cells.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] == "b.png"]
    assert [int(row["area_px"]) for row in rows] == np.bincount(labels.ravel())[1:].tolist()
    assert float(rows[0]["area_um2"]) == int(rows[0]["area_px"]) / 4
    assert len((tmp_path / "summary.csv").read_text().splitlines()) == 3
    features = json.loads((tmp_path / "outlines" / "b.geojson").read_text())["features"]
    assert len(features) == labels.max() > 1
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--table", "cells.xlsx"], "--table must be a .csv file, got cells.xlsx"),
        (["--overlay", "{tmp}/cells.png"], "--overlay must be a folder, since there are several images"),
        (["--table", "{tmp}/cells.csv", "--probabilities"], "--probabilities must be left out"),
        (["--table", "{tmp}/cells.csv", "--pixel-size", "1px"], "--pixel-size must be a length > 0 with its unit"),
        (["--table", "{tmp}/gone/cells.csv"], "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_one_line_before_the_work(options, message, invoke, run, images, tmp_path):
    options = [option.format(tmp=tmp_path) for option in options]
    result = invoke("predict", run, str(images), str(tmp_path / "labels"), *options)
    assert result.exit_code != 0
    assert message in str(result.exception or result.output) + result.output
    assert not (tmp_path / "labels").exists()


def test_a_network_of_classes_says_how_to_train_one_of_objects(invoke, images, tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1).eval()
    unetzoo.save(model, tmp_path / "classes")
    table = ["--table", str(tmp_path / "cells.csv")]
    result = invoke("predict", str(tmp_path / "classes"), str(images), str(tmp_path / "out"), *table)
    assert result.exit_code != 0
    text = " ".join(f"{result.exception} {result.output}".split())
    assert "--table must be left out: this network gives classes of pixels, not objects" in text
    assert "train one with --objects distance" in text
