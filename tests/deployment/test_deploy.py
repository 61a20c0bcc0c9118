"""Deploying: what is kept, what is refused, and the folder that results."""

import json
import sys

import numpy as np
import pytest
import torch
from squares import Squares

import unetzoo
from unetzoo.deployment.candidates import Candidate, judged
from unetzoo.deployment.deploy import crops_of
from unetzoo.inference.engines.deployed import write_deployed
from unetzoo.training.crops import CropDataset

DATA = {"train": Squares(6, 0), "val": Squares(3, 1)}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (8, 16)}, classes=2, in_channels=1)
    options = unetzoo.FitOptions(steps=20, epochs=2, batch=2, crop=32)
    return model, options


@pytest.fixture(scope="module")
def trained(model, tmp_path_factory):
    network, options = model
    return unetzoo.fit(network, DATA, tmp_path_factory.mktemp("run") / "run", options=options).model


@pytest.fixture(scope="module")
def deployed(trained, tmp_path_factory):
    """A deployment by torch and OpenVINO that may lose anything, and its folder."""
    out = tmp_path_factory.mktemp("deployed") / "app"
    options = {"engines": ["torch", "openvino"], "calibration_crops": 4, "crop": 32}
    return unetzoo.deploy(trained, DATA, out, max_drop=0.02, **options)


def _candidates(*rows):
    return [Candidate(engine, dtype, score, 0.1 / ratio, ratio, 10) for engine, dtype, score, ratio in rows]


def test_the_fastest_that_loses_at_most_the_drop_is_kept_and_the_others_say_why_not():
    torch32, fast, bad, slow = judged(
        _candidates(
            ("torch", "float32", 0.9, 1), ("a", "int8", 0.896, 2), ("b", "int8", 0.88, 4), ("c", "int8", 0.9, 0.5)
        ),
        0.005,
    )
    assert fast.reason == ""
    assert bad.reason == "loses 0.0200, more than 0.005"
    assert slow.reason == "slower than a in int8"
    assert torch32.reason == "slower than a in int8"


def test_int8_that_is_slower_or_too_bad_is_refused_and_what_does_not_run_keeps_its_reason():
    rows = _candidates(("torch", "float32", 0.9, 1), ("a", "int8", 0.9, 0.8), ("b", "int8", 0.5, 3))
    results = judged([*rows, Candidate("c", "int8", reason="not installed")], 0.005)
    assert [each.dtype for each in results if not each.reason] == ["float32"]
    assert results[-1].reason == "not installed"


def test_all_candidates_are_measured_and_the_kept_one_loses_at_most_the_drop(deployed):
    pairs = [(each.engine, each.dtype) for each in deployed.candidates]
    expected = [
        ("torch", "float32"),
        ("torch", "bfloat16"),
        *(("openvino", dtype) for dtype in ("float32", "bfloat16", "int8")),
    ]
    assert pairs == expected
    by_pair = dict(zip(pairs, deployed.candidates, strict=True))
    assert by_pair["openvino", "float32"].score == pytest.approx(by_pair["torch", "float32"].score, abs=1e-3)
    assert by_pair["openvino", "int8"].bytes < by_pair["openvino", "float32"].bytes
    assert deployed.kept.score >= by_pair["torch", "float32"].score - 0.02
    assert deployed.kept.ratio == max(
        each.ratio for each in deployed.candidates if each.score and "loses" not in each.reason
    )


def test_the_folder_is_loaded_by_its_engine_and_as_the_network_and_its_card_has_the_table(deployed, trained):
    image = DATA["val"][0].image
    fast = unetzoo.load_deployed(deployed.folder)
    assert (fast.engine.engine, fast.engine.dtype) == (deployed.kept.engine, deployed.kept.dtype)
    expected = unetzoo.predict(trained.eval(), image)
    np.testing.assert_array_equal(unetzoo.predict(unetzoo.load(deployed.folder), image), expected)
    np.testing.assert_allclose(unetzoo.predict(fast, image), expected, atol=0.2)
    card = (deployed.folder / "README.md").read_text()
    assert sum(line.startswith(("| torch |", "| openvino |")) for line in card.splitlines()) == 5
    assert json.loads((deployed.folder / "deployment.json").read_text())["candidates"][0]["engine"] == "torch"


def test_a_folder_in_int8_is_predicted_without_the_package_that_made_it(trained, tmp_path, monkeypatch):
    images = [torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(number)) for number in range(4)]
    small = unetzoo.optimize(trained, engine="openvino", dtype="int8", calibration=images)
    write_deployed(unetzoo.save(trained, tmp_path / "app"), small.engine, {"candidates": []})
    image = DATA["val"][0].image
    expected = unetzoo.predict(unetzoo.load_deployed(tmp_path / "app"), image)
    monkeypatch.setitem(sys.modules, "nncf", None)
    again = unetzoo.load_deployed(tmp_path / "app")
    assert again.engine.dtype == "int8"
    np.testing.assert_array_equal(unetzoo.predict(again, image), expected)
    with pytest.raises(unetzoo.MissingExtraError, match="the engine openvino, to convert to int8, needs nncf"):
        unetzoo.optimize(trained, engine="openvino", dtype="int8", calibration=images)


def test_files_are_predicted_by_the_engine_of_the_folder(deployed, tmp_path):
    np.save(tmp_path / "in.npy", DATA["val"][0].image)
    fast = unetzoo.load_deployed(deployed.folder)
    (first,) = unetzoo.predict_files(fast, tmp_path / "in.npy", tmp_path / "out.png")
    (again,) = unetzoo.predict_files(fast, tmp_path / "in.npy", tmp_path / "out.png")
    assert (first.state, again.state) == ("predicted", "kept")
    options = unetzoo.PredictOptions(engine="onnxruntime")
    with pytest.raises(unetzoo.OptionError, match="this network was prepared for the engine"):
        unetzoo.predict_files(fast, tmp_path / "in.npy", tmp_path / "out.png", options=options)


@pytest.fixture
def copied(trained, tmp_path):
    """A folder deployed by torch alone."""
    return unetzoo.deploy(trained, DATA, tmp_path / "app", engines=["torch"], calibration_crops=1, crop=32).folder


def _edit(folder, **changes):
    manifest = json.loads((folder / "deployment.json").read_text())
    (folder / "deployment.json").write_text(json.dumps({**manifest, **changes}))


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"../config.json": "0"}},
        {"files": {"network.xml": "0"}},
        {"format": 2},
        {"dtype": "nn"},
        {"engine": 1},
    ],
)
def test_a_manifest_that_names_other_files_or_is_damaged_is_refused(copied, change):
    (copied / "engine" / "network.xml").write_text("other")
    _edit(copied, **change)
    with pytest.raises(unetzoo.WeightsError, match="deploy the network again"):
        unetzoo.load_deployed(copied)


def test_a_folder_with_files_is_not_replaced_and_a_failure_leaves_nothing(trained, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "mine.txt").write_text("mine")
    with pytest.raises(unetzoo.WriteError, match="exists already"):
        unetzoo.deploy(trained, DATA, tmp_path / "app", engines=["torch"])
    with pytest.raises(unetzoo.UnknownNameError, match="no engine named 'tensorrt'"):
        unetzoo.deploy(trained, DATA, tmp_path / "other", engines=["tensorrt"])
    with pytest.raises(unetzoo.OptionError, match="max_drop must be from 0 to less than 1, got 5"):
        unetzoo.deploy(trained, DATA, tmp_path / "other", max_drop=5)
    assert [path.name for path in tmp_path.iterdir()] == ["app"]


def test_the_crops_are_those_that_a_training_without_random_changes_draws(trained):
    from unetzoo.training.augment import Augmentation

    crops = crops_of(trained, DATA["train"], count=3, side=16)
    augmentation = Augmentation("none", crop=16, elastic=0)
    options = {"count": 3, "crop": 16, "balance": 1 / 3, "augmentation": augmentation, "seed": 0}
    drawn = CropDataset(DATA["train"], trained.config.info, **options)
    assert all(torch.equal(crop[0], drawn[index].image) for index, crop in enumerate(crops))
    assert abs(float(torch.cat(crops).mean())) < 1  # normalized
