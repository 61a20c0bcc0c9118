"""The receipts of recipes: they are those of the results, and the results those of the recipes as they are now."""

import json
import math
import time
from itertools import groupby

import numpy as np
import pytest
import tifffile
from PIL import Image

import unetzoo
from benchmarks.head import head
from benchmarks.page.readme import RESULTS
from benchmarks.page.recipes import recipes_section
from benchmarks.panel.data import Samples, opened
from benchmarks.recipes import runs as recipe_runs
from benchmarks.recipes.data import MEASURED, write_data
from benchmarks.recipes.receipts import receipt_of, write_receipt
from benchmarks.recipes.runs import command, run_of
from unetzoo.registry.builtin import unetzoo_recipes
from unetzoo.training.receipt import read_receipt
from unetzoo.training.recipe_file import read_tables

_RESULTS = json.loads((RESULTS / "recipes.json").read_text(encoding="utf-8"))
_RUNS = {name: list(runs) for name, runs in groupby(_RESULTS["runs"], key=lambda run: run["combination"]["recipe"])}


def test_each_recipe_of_unetzoo_is_measured():
    assert sorted(_RUNS) == sorted(MEASURED) == sorted(spec.name for spec in unetzoo_recipes())


@pytest.mark.parametrize("name", _RUNS)
def test_the_receipt_in_a_file_is_that_of_the_results_and_these_are_of_the_recipe_as_it_is(name):
    assert read_receipt(name) == receipt_of(name, _RUNS[name])
    for seed, run in enumerate(_RUNS[name]):
        assert run["combination"]["tables"] == run_of(name, seed).tables
        assert run["command"] == " ".join(command(run_of(name, seed)))


@pytest.fixture
def runs():
    """Results of scores 0.5, 0.6 and 0.7."""
    machine = {"processor": "abacus", "instructions": "none", "gpu": None, "threads": 1, "python": "3", "versions": {}}
    return [
        {
            "combination": {"recipe": "cracks", "tables": {}, "seed": seed},
            "command": f"unetzoo train --seed {seed}",
            "machine": machine,
            "versions": {"torch": "2"},
            "commit": "abc",
            "date": "2026-11-27",
            "CPU seconds": 10.0 * seed,
            "score": 0.5 + 0.1 * seed,
            "parameters": 1234,
            "prediction seconds": 0.5 + seed,
        }
        for seed in range(3)
    ]


def test_a_receipt_has_the_mean_and_the_interval_of_students_t(runs, tmp_path):
    receipt = receipt_of("cracks", runs)
    assert receipt.values == [0.5, 0.6, 0.7]
    assert receipt.mean == pytest.approx(0.6)
    assert receipt.interval == pytest.approx(4.30265 * 0.1 / math.sqrt(3), abs=1e-4)  # two degrees of freedom
    assert (receipt.cpu_seconds, receipt.command, receipt.machine) == (
        10,
        "unetzoo train --seed 0",
        "abacus, none, 1 thread",
    )
    assert (receipt.parameters, receipt.prediction_seconds, receipt.license) == (1234, 1.5, "CC0-1.0")
    assert receipt.text == "IoU of crack 0.600 ± 0.248"
    assert "| cracks |" in recipes_section({"runs": runs})[-1]


def test_a_receipt_is_written_into_its_file_whose_other_lines_stay(runs, tmp_path):
    path, text = tmp_path / "mine.toml", '# why\nformat = 1\n\n[network]\nencoder = "plain"  # small\n'
    path.write_text(text)
    for score in (0.1, 0.2):
        runs[0]["score"] = score
        write_receipt(path, receipt_of("cracks", runs))
        assert path.read_text().startswith(text)
        assert read_receipt(path) == receipt_of("cracks", runs)
    assert unetzoo.Recipe.load(path).network.encoder == "plain"
    assert read_tables(path)["receipt"]["versions"] == {"torch": "2"}


def test_data_is_written_as_it_is_drawn_and_every_fifth_image_to_train_is_for_validation(tmp_path):
    write_data("satellite", tmp_path)
    counts = {split: len(list((tmp_path / split / "images").iterdir())) for split in ("train", "val", "test")}
    assert counts == {"train": 20, "val": 4, "test": 6}
    sample = opened("satellite", "train")[9]  # the second one held out
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "val" / "images" / "01.tif"), sample.image)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "val" / "masks" / "01.png")), sample.mask)


def test_the_head_is_written_as_three_volumes_that_lie_one_behind_the_other(tmp_path):
    write_data("brain", tmp_path)
    for kind, whole in zip(("images", "masks"), head(), strict=True):
        parts = [tifffile.imread(tmp_path / split / kind / "00.tif") for split in ("train", "val", "test")]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_the_seconds_of_a_prediction_are_those_of_a_million_pixels(monkeypatch):
    seconds = [0.0]

    def predict(model, image):
        seconds[0] += 3

    monkeypatch.setattr(time, "process_time", lambda: seconds[0])
    monkeypatch.setattr(recipe_runs, "predict", predict)
    samples = Samples([unetzoo.Sample(np.zeros((50, 100, 1)), np.zeros((50, 100)), "")] * 2, ("a",))
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": [4, 8]})
    assert recipe_runs._prediction_seconds(model, samples) == 600  # 6 for 10,000 pixels
