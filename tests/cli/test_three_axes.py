"""Commands for networks over three axes, whose results in files `tests/training/test_three_axes.py` checks."""

import numpy as np
import pytest
import tifffile
from stacks import volume, write_cases

from unetzoo.training.recipe import Recipe

_SMALL = ["--spatial-dims", "3", "--encoder", "plain", "--encoder-option", "widths=[4,8]", "--batch", "2"]


@pytest.fixture
def cases(tmp_path):
    return write_cases(tmp_path / "cases", 3, (6, 20, 18))


def test_volumes_are_trained_predicted_and_scored(invoke, cases, tmp_path):
    run, out, scores = tmp_path / "run", tmp_path / "out", tmp_path / "scores.json"
    options = [*_SMALL, "--crop", "8,16,16", "--steps", "12", "--epochs", "1", "--device", "cpu"]
    done = invoke("train", str(cases), *options, "--out", str(run))
    assert done.exit_code == 0, done.output
    assert "2 train, 1 val volume, 2 classes" in done.output
    assert "12 steps of 2 crops of 8 x 16 x 16 px" in done.output
    recipe = Recipe.load(run)
    assert (recipe.network.spatial_dims, recipe.training.crop) == (3, (8, 16, 16))
    assert invoke("predict", str(run), str(cases / "images"), str(out), "--mirrors", "8").exit_code == 0
    assert tifffile.imread(out / "case1.tif").shape == (6, 20, 18)
    done = invoke("evaluate", str(run), str(cases), "--split", "all", "--json", str(scores))
    assert done.exit_code == 0, done.output
    assert "split all, 3 volumes" in done.output


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--crop", "16,16"], "crop must be a whole number, or three of at least 4 for depth, height and width"),
        (["--crop", "big"], "crop must be a whole number, such as 64, or three, such as 32,64,64; got 'big'"),
        (["--spatial-dims", "4"], "spatial_dims must be one of 2, 3; got 4"),
        (["--slices", "3"], "slices and axis are for networks of images: leave them out"),
        (["--decoder", "segformer"], "decoder 'segformer' works on images alone; decoders with --spatial-dims 3"),
    ],
)
def test_what_does_not_fit_is_one_line_before_the_volumes_are_read(flags, error, invoke, tmp_path):
    done = invoke("train", str(tmp_path / "absent"), *_SMALL, *flags, "--out", str(tmp_path / "run"))
    assert done.exit_code == 2, done.output
    assert error in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_images_for_a_network_over_three_axes_are_one_line(invoke, tmp_path):
    for number in range(2):
        for name, array in zip(("images", "masks"), volume(number), strict=True):
            (tmp_path / "cells" / name).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "cells" / name / f"{number}.npy", array[2])
    done = invoke("train", str(tmp_path / "cells"), *_SMALL, "--out", str(tmp_path / "run"))
    assert done.exit_code == 2, done.output
    assert "0.npy: a volume must be (slices, rows, columns)" in done.stderr
    assert "but this is (40, 36)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
