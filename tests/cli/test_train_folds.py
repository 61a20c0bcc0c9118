"""`unetzoo train --folds` on files."""

import json

import numpy as np
import pytest
from PIL import Image
from saved import same_weights
from squares import Squares

import unetzoo

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for image, mask, name in Squares(4, 0):
        Image.fromarray(image[..., 0]).save(folder / "images" / f"{name}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / "masks" / f"{name}.png")
    return folder


SHORT = ("--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "3", "--epochs", "1", "--crop", "32")


def test_folds_are_trained_resumed_and_each_trains_by_itself_to_the_same_scores(invoke, cells, tmp_path):
    out = tmp_path / "run"
    result = invoke("train", str(cells), "--out", str(out), "--folds", "2", *SHORT)
    assert result.exit_code == 0, result.output
    assert "fold 2 of 2: 2 images held out" in result.output
    assert "out of fold, 4 images" in result.output
    scores = json.loads((out / "folds.json").read_text())["out_of_fold"]
    assert scores["images"] == 4
    again = invoke("train", str(cells), "--out", str(out), "--resume")
    assert again.exit_code == 0, again.output
    assert json.loads((out / "folds.json").read_text())["out_of_fold"] == scores
    single = invoke("train", "--recipe", str(out), "--set", "data.fold=1", "--out", str(tmp_path / "one"))
    assert single.exit_code == 0, single.output
    assert same_weights(unetzoo.load(tmp_path / "one"), unetzoo.load(out / "fold-1"))
    apart = tmp_path / "apart"  # as several machines do
    for fold in (1, 0):
        folder, number = str(apart / f"fold-{fold}"), f"data.fold={fold}"
        result = invoke("train", str(cells), "--out", folder, "--folds", "2", "--set", number, *SHORT)
        assert result.exit_code == 0, result.output
    joined = invoke("train", str(cells), "--out", str(apart), "--folds", "2", "--resume")
    assert joined.exit_code == 0, joined.output
    assert json.loads((apart / "folds.json").read_text())["out_of_fold"] == scores


def test_a_folder_of_folds_and_a_number_of_folds_that_do_not_fit_are_one_line(invoke, cells, tmp_path):
    few = invoke("train", str(cells), "--out", str(tmp_path / "run"), "--folds", "5", *SHORT)
    assert few.exit_code == 2
    assert "5 folds need as many groups of images, and the data has 4" in few.stderr
    assert not (tmp_path / "run").exists()


def test_tune_stores_the_post_processing_that_predict_and_evaluate_apply_and_raw_leaves_out(invoke, cells, tmp_path):
    out, run = tmp_path / "masks", str(tmp_path / "run")
    result = invoke("train", str(cells), "--out", run, *SHORT)
    assert result.exit_code == 0, result.output
    tuned = invoke("tune", run, str(cells), "--split", "all", "--json", str(tmp_path / "tuned.json"))
    assert tuned.exit_code == 0, tuned.output
    tuning = json.loads((tmp_path / "tuned.json").read_text())
    assert f"{tuning['mean_after']:.4f}" in tuned.stdout
    assert unetzoo.load(run).config.postprocessing == tuning["postprocessing"]
    for flags, expected in (((), tuning["mean_after"]), (("--raw",), tuning["mean_before"])):
        scores = tmp_path / "scores.json"
        evaluated = invoke("evaluate", run, str(cells), "--split", "all", "--json", str(scores), *flags)
        assert evaluated.exit_code == 0, evaluated.output
        assert json.loads(scores.read_text())["mean"]["IoU"]["value"] == pytest.approx(expected, abs=1e-3)
        assert invoke("predict", run, str(cells / "images"), str(out), *flags).exit_code == 0
