"""Classes that overlap on the command line: checked, trained with, tuned, evaluated, predicted, converted."""

import json

import numpy as np
import pytest
import tifffile
from overlaps import draw, write_planes

import unetzoo

_SMALL = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "2", "--epochs", "1", "--batch", "2"]
_NAMES = ["--classes", "cell,nucleus"]


def test_a_data_check_counts_overlaps(invoke, tmp_path):
    data = write_planes(tmp_path / "data", 3)
    result = invoke("data", "check", str(data), *_NAMES)
    share = np.mean([draw((0, index))[1].all(0) for index in range(3)])
    assert result.exit_code == 0, result.output
    assert f"classes overlap, cell and nucleus in {share:.2%} of the pixels" in " ".join(result.stdout.split())
    assert "several classes" in result.stdout
    said = invoke("data", "check", str(data), *_NAMES, "--labels", "overlapping", "--json")
    assert json.loads(said.stdout)["problems"] == []
    assert invoke("data", "check", str(data), "--masks", "exclusive").exit_code == 1


@pytest.mark.filterwarnings("default::unetzoo.DataWarning")
def test_a_network_is_trained_tuned_measured_and_used(invoke, tmp_path):
    data, run = write_planes(tmp_path / "data", 4), tmp_path / "run"
    options = ["--masks", "overlapping", *_NAMES, "--nested", "cell,nucleus"]
    result = invoke("train", str(data), "--out", str(run), *_SMALL, *options)
    assert result.exit_code == 0, result.output
    assert "of the pixels of nucleus are outside of cell in the masks" in " ".join(result.output.split())
    assert "thresholds tuned on 1 image" in result.stdout
    recipe = (run / "recipe.toml").read_text()
    assert 'masks = "overlapping"' in recipe
    assert 'nested = ["cell", "nucleus"]' in recipe
    tuned = invoke("tune", str(run), str(data), "--split", "all", "--json")
    thresholds = json.loads(tuned.stdout)["changes"]
    assert [*thresholds] == ["threshold of cell", "threshold of nucleus"]
    assert list(unetzoo.load(run).config.info.thresholds) == [after for _, after in thresholds.values()]
    measured = invoke("evaluate", str(run), str(data), "--split", "all", "--json")
    assert json.loads(measured.stdout)["class_names"] == ["cell", "nucleus"]
    predicted = invoke("predict", str(run), str(data / "images"), str(tmp_path / "out"))
    assert predicted.exit_code == 0, predicted.output
    planes = tifffile.imread(tmp_path / "out" / "0.tif")
    assert planes.shape == (2, 48, 48)
    assert not (planes[1] & ~planes[0] & 1).any()


def test_a_data_set_of_planes_is_converted(invoke, tmp_path):
    data = write_planes(tmp_path / "data", 2)
    assert invoke("data", "convert", str(data), str(tmp_path / "new"), *_NAMES).exit_code == 0
    before, after = (unetzoo.open_dataset(folder, "all") for folder in (data, tmp_path / "new"))
    assert (after.class_names, after.labels) == (("cell", "nucleus"), "overlapping")
    assert all(np.array_equal(before[index].mask, after[index].mask) for index in range(2))
