"""Commands for networks over three axes, whose results in files `tests/training/test_three_axes.py` checks."""

import json

import numpy as np
import pytest
import tifffile
from stacks import volume, write_cases, write_stack
from touching import STEPS, write_nuclei

import unetzoo
from unetzoo.planning import memory
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


def test_volumes_are_described_whole_before_a_training(invoke, cases):
    said = invoke("data", "check", str(cases), "--spatial-dims", "3")
    assert said.exit_code == 0, said.output
    assert "3 volumes with masks: 2 train, 1 val" in said.output
    assert "6 x 20 x 18 voxels (depth x height x width), 1 channel" in said.output
    report = json.loads(invoke("data", "check", str(cases), "--spatial-dims", "3", "--json").stdout)
    assert report == json.loads(json.dumps(unetzoo.survey(cases, spatial_dims=3).to_dict()))
    for flags, error in (
        (["4"], "--spatial-dims must be one of 2, 3; got 4"),
        (["3", "--axis", "z"], "leave them out"),
    ):
        refused = invoke("data", "check", str(cases), "--spatial-dims", *flags)
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
        assert error in refused.stderr


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--crop", "16,16"], "crop must be a whole number, or three of at least 4 for depth, height and width"),
        (["--crop", "big"], "crop must be a whole number, such as 64, or three, such as 32,64,64; got 'big'"),
        (["--spatial-dims", "4"], "spatial_dims must be one of 2, 3; got 4"),
        (["--slices", "3"], "slices and axis are for networks of images: leave them out"),
        (
            ["--objects", "weighted"],
            "object coding 'weighted' works on images alone; object codings with --spatial-dims 3",
        ),
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


@pytest.fixture
def little_memory(monkeypatch):
    """Plans of small networks."""
    monkeypatch.setattr(memory, "memory_at_hand", lambda: memory.Memory(0.05, "for a test"))


_SHORT = ["--steps", "2", "--epochs", "1", "--device", "cpu", "--learning-rate", "0.002"]


@pytest.mark.usefixtures("little_memory")
def test_a_training_without_flags_for_the_network_is_planned(invoke, cases, tmp_path):
    for name, array in zip(("images", "masks"), volume(3, (6, 20, 18)), strict=True):
        write_stack(cases / name / "case3.tif", array.repeat(2, 1).repeat(2, 2), (4, 0.375, 0.25))
    (cases / "dataset.json").write_text('{"channel_names": {"0": "CT"}}')
    run = tmp_path / "run"
    done = invoke("train", str(cases), "--spatial-dims", "3", *_SHORT, "--out", str(run))
    assert done.exit_code == 0, done.output
    assert "planned, since nothing is said of network, crop, batch and spacing:\n  memory 0.05 GB: for a test" in (
        done.stdout
    )
    assert "  spacing 4 x 0.75 x 0.5 um: the median of 4 cases\n" in done.stdout
    assert f"to change it: unetzoo plan {cases} --spatial-dims 3 --out plan.toml" in done.stdout
    expected = unetzoo.plan(cases, spatial_dims=3, memory=0.05)
    crop = " x ".join(map(str, expected.patch))
    assert f"2 steps of {expected.batch} crops of {crop} px, each 4 x 0.75 x 0.5 um" in done.stdout
    recipe = Recipe.load(run)
    assert recipe.network.encoder == "plain"
    assert recipe.network.encoder_options["widths"] == list(expected.widths)
    assert (recipe.training.crop, recipe.training.batch) == (expected.patch, expected.batch)
    assert (recipe.training.learning_rate, recipe.training.steps) == (0.002, 2)
    assert (recipe.data.spacing, recipe.data.channels) == (expected.spacing, ("CT",))
    assert recipe.data.normalization == tuple(each.value for each in expected.normalization)
    assert recipe.command.startswith("unetzoo train ")


@pytest.mark.usefixtures("little_memory")
def test_a_network_of_objects_is_planned_likewise(invoke, tmp_path):
    cells, run = write_nuclei(tmp_path / "cells", 3), tmp_path / "run"
    done = invoke("train", str(cells), "--spatial-dims", "3", "--objects", "boundary", *_SHORT, "--out", str(run))
    assert done.exit_code == 0, done.output
    assert "planned, since nothing is said of network, crop, batch and spacing:" in done.stdout
    recipe, config = Recipe.load(run), unetzoo.load(run).config
    assert (recipe.network.encoder, recipe.network.objects, config.objects) == ("plain", "boundary", "boundary")
    assert config.info.pixel_size == pytest.approx(STEPS)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "flags",
    [
        ["--crop", "16"],
        ["--batch", "2"],
        ["--encoder", "plain"],
        ["--decoder", "fcn", "--encoder", "plain"],
        ["--spacing", "4,1,1"],
        ["--set", "training.batch=1"],
        ["--encoder-option", "depth=2"],
    ],
    ids=" ".join,
)
def test_a_flag_that_a_plan_would_choose_stands_and_nothing_is_planned(flags, invoke, cases, tmp_path, monkeypatch):
    from unetzoo.cli import train

    seen = []
    monkeypatch.setattr(train, "train_one", lambda _survey, _out, recipe, **_: seen.append(recipe))
    done = invoke("train", str(cases), "--spatial-dims", "3", *flags, "--out", str(tmp_path / "run"))
    assert done.exit_code == 0, done.output
    assert "planned" not in done.output
    (recipe,) = seen
    assert recipe.network.encoder == ("plain" if "plain" in flags else "resnet34")
    assert recipe.data.spacing == ((4, 1, 1) if "--spacing" in flags else ())


@pytest.mark.usefixtures("little_memory")
def test_voxels_of_no_stated_size_are_planned_as_cubes_and_a_plan_that_cannot_be_is_said(
    invoke, cases, tmp_path, monkeypatch
):
    from unetzoo.cli import train

    seen = []
    monkeypatch.setattr(train, "train_one", lambda _survey, _out, recipe, **_: seen.append(recipe))
    for path in cases.glob("*/*.tif"):
        tifffile.imwrite(path, tifffile.imread(path), imagej=True, metadata={"axes": "ZYX"})
    line = ("train", str(cases), "--spatial-dims", "3", "--out", str(tmp_path / "run"))
    done = invoke(*line)
    assert done.exit_code == 0, done.output
    assert "spacing 1 x 1 x 1 pixels" in done.stdout
    assert seen[-1].data.spacing == ()
    assert seen[-1].network.encoder_options["strides"][1] == [1, 2, 2]  # six slices are too few to be halved
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = invoke(*line)
    assert "the training is not planned, as by `unetzoo plan`: several processes train together" in done.stderr
    assert seen[-1].network.encoder == "resnet34"
    monkeypatch.delenv("WORLD_SIZE")
    path = cases / "images" / "case1.tif"
    write_stack(path, tifffile.imread(path))
    done = invoke(*line)
    assert "is not planned, as by `unetzoo plan`: " in done.stderr
    assert "states no distances between its voxels, which a plan needs" in done.stderr
    assert seen[-1].network.encoder == "resnet34"


def test_a_spacing_that_is_none_is_one_line(invoke, tmp_path):
    for flags, error in (
        (["--spacing", "a"], "--spacing must be numbers, such as 3,0.8,0.8; got 'a'"),
        (["--spacing", "1,1"], "spacing must be 3 numbers > 0, along z, y, x; got (1.0, 1.0)"),
        (["--spacing", "1,0,1"], "spacing must be 2 or 3 numbers > 0, along (z,) y, x; got [1.0, 0.0, 1.0]"),
    ):
        done = invoke("train", str(tmp_path / "absent"), *_SMALL, *flags, "--out", str(tmp_path / "run"))
        assert done.exit_code == 2, done.output
        assert error in done.stderr
        assert done.stderr.count("\n") == 1
