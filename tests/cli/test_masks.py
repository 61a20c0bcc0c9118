"""What is said of masks on the command line: checked, trained with, and remembered by evaluation."""

import json

import numpy as np
import pytest
from PIL import Image

import unetzoo

_SMALL = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "2", "--epochs", "1", "--batch", "2"]


@pytest.fixture
def fields(tmp_path):
    """Fields of 0, which is unlabelled, 1 and 2, which are crops, and 3."""
    random = np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 4)):
        (tmp_path / "fields" / kind).mkdir(parents=True)
        for name in ("a.png", "b.png", "c.png"):
            pixels = random.integers(0, high, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "fields" / kind / name)
    return str(tmp_path / "fields")


@pytest.mark.parametrize("options", [["--ignore", "0"], ["--ignore", "0,9", "--ignore", "nan"]])
def test_values_are_ignored_and_joined(invoke, fields, options):
    result = invoke("data", "check", fields, "--classes", "crop=1|2,water=3", *options, "--json")
    assert result.exit_code == 0, result.output
    statistics = json.loads(result.stdout)["statistics"]
    assert statistics["class_names"] == ["crop", "water"]
    assert statistics["class_frequencies"][0] == pytest.approx(2 / 3, abs=0.05)


def test_an_evaluation_reads_masks_as_the_training_was_told(invoke, fields, tmp_path):
    options = ["--classes", "crop=1|2,water=3", "--ignore", "0"]
    result = invoke("train", fields, "--out", str(tmp_path / "run"), *_SMALL, *options)
    assert result.exit_code == 0, result.output
    best = str(tmp_path / "run" / "best")
    dataset = unetzoo.load(best).config.info.mask_coding
    assert dataset["merged"] in ([[2, 0]], ((2, 0),))
    for more in ([], options):
        result = invoke("evaluate", best, fields, "--split", "train", "--resamples", "10", *more)
        assert result.exit_code == 0, result.output
        assert "crop" in result.stdout
    result = invoke("train", fields, "--out", str(tmp_path / "run"), "--resume", *options)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("flag", ["--nearest-color", "--nearest-colour"])
def test_the_nearest_values_are_taken_by_either_spelling(invoke, fields, flag):
    result = invoke("data", "check", fields, "--classes", "low=0,high=3", flag, "--json")
    assert json.loads(result.stdout)["statistics"]["class_frequencies"] == pytest.approx([0.5, 0.5], abs=0.05)


def test_a_threshold_makes_two_classes(invoke, fields):
    result = invoke("data", "check", fields, "--mask-threshold", "2", "--classes", "high", "--json")
    statistics = json.loads(result.stdout)["statistics"]
    assert statistics["class_names"] == ["background", "high"]
    assert statistics["class_frequencies"] == pytest.approx([0.5, 0.5], abs=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ignore", "red"], "--ignore must be values such as"),
        (["--ignore", "#00ff00", "--classes", "a=0,b=1"], "values must be all ids or all colors"),
        (["--mask-threshold", "2", "--classes", "a=0,b=1"], "a threshold tells the foreground"),
        (["--mask-threshold", "nan"], "threshold must be a number"),
        (["--nearest-color"], "needs the classes with their"),
        (["--classes", "a=0,a=1"], "several values of one class"),
        (["--classes", "a=1|,b=0"], "a class's value is an id or a color"),
        (["--classes", "a=0|1,b=1"], "each class needs its own value"),
    ],
)
def test_what_cannot_be_meant_is_one_line(invoke, fields, options, message):
    result = invoke("data", "check", fields, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [("data", "check", "cells"), ("train", "cells"), ("evaluate", "run", "cells")])
def test_the_threshold_of_probabilities_is_not_that_of_masks(invoke, command):
    result = invoke(*command, "--threshold", "128")
    assert result.exit_code == 2
    assert "--mask-threshold" in result.stderr
