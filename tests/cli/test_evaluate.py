import html
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    return str(unetzoo.save(network.eval(), tmp_path / "model"))


@pytest.fixture
def cells(tmp_path):
    random = np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 2)):
        (tmp_path / "cells" / "test" / kind).mkdir(parents=True)
        for name in ("a.png", "b.png", "c.png"):
            pixels = random.integers(0, high, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "cells" / "test" / kind / name)
    return str(tmp_path / "cells")


def test_a_table_a_json_and_a_page(invoke, model, cells, tmp_path):
    result = invoke(
        "evaluate",
        model,
        cells,
        "--instances",
        "foreground",
        "--json",
        f"{tmp_path}/e.json",
        "--html",
        f"{tmp_path}/e.html",
    )
    assert result.exit_code == 0, result.output
    assert "3 images" in result.stdout
    described = json.loads((tmp_path / "e.json").read_text())
    precision = described["objects"]["scores"]["AP at 0.5"]["value"]
    assert re.search(r"^objects +foreground$", result.stdout, re.MULTILINE)
    assert re.search(rf"^AP at 0.5 +{precision:.3f}$", result.stdout, re.MULTILINE)
    overall = described["calibration"]["overall"]
    scores = f"{overall['brier']['value']:.3f} +{overall['ece']['value']:.3f}"
    assert re.search(rf"^most probable class +{scores}$", result.stdout, re.MULTILINE)
    assert "too few images for intervals: 3, and 4 are needed" in result.stdout
    assert described["mean"]["IoU"]["low"] is None
    assert f"{described['mean']['IoU']['value']:.3f}" in result.stdout
    assert described["unetzoo"] == unetzoo.__version__
    assert (tmp_path / "e.html").stat().st_size > 10_000


def test_too_few_images_have_no_intervals_and_that_is_said(invoke, tmp_path):
    torch.manual_seed(0)
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    unetzoo.save(network.eval(), tmp_path / "model")
    result = invoke("evaluate", str(tmp_path / "model"), "nuclei")
    assert result.stdout.rstrip().endswith("too few images for intervals: 1, and 4 are needed")
    assert "[" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "val"], "val"),
        (["--instances", "nucleus"], "there is no class 'nucleus'"),
        (["--json", "/nowhere/e.json"], "cannot write /nowhere/e.json"),
        (["--device", "cuda:99"], "cannot be used"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_does_not_fit_is_one_line(invoke, model, cells, arguments, message):
    result = invoke("evaluate", model, cells, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_model_that_is_not_there_is_one_line(invoke, cells, tmp_path):
    result = invoke("evaluate", str(tmp_path / "gone"), cells)
    assert result.exit_code == 2
    assert "gone" in result.stderr
    assert result.stderr.count("\n") == 1


def _labelled(folder, count):
    random = np.random.default_rng(1)
    for kind, high in (("images", 256), ("masks", 2)):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(random.integers(0, high, (40, 40), dtype=np.uint8)).save(folder / kind / f"{number}.png")
    return str(folder)


def test_a_new_folder_counts_as_a_whole_and_every_output_says_so(invoke, model, tmp_path):
    data, report, numbers = _labelled(tmp_path / "new", 10), tmp_path / "e.html", tmp_path / "e.json"
    result = invoke("evaluate", model, data, "--json", str(numbers), "--html", str(report))
    assert result.exit_code == 0, result.output
    first, note, *_ = result.stdout.splitlines()
    assert first == f"{model} on {data}: split all, 10 images"
    described = json.loads(numbers.read_text())
    assert (described["split"], described["images"]) == ("all", 10)
    page = html.unescape(report.read_text())
    assert described["split_note"] in note
    assert described["split_note"] in page
    assert "split all" in page


def test_the_split_that_chose_the_best_network_is_named_as_such(invoke, model, tmp_path):
    for part in ("train", "val"):
        _labelled(tmp_path / "parts" / part, 2)
    result = invoke("evaluate", model, str(tmp_path / "parts"))
    assert "split val, 2 images" in result.stdout
    assert "was chosen by these images" in result.stdout
    assert "split all, 4 images" in invoke("evaluate", model, str(tmp_path / "parts"), "--split", "all").stdout
