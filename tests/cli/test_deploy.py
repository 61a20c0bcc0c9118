import json

import numpy as np
import pytest
import torch

import unetzoo


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    options = {"widths": (4, 8)}
    model = unetzoo.create("unet", encoder="plain", encoder_options=options, classes=2, in_channels=1)
    return unetzoo.save(model, tmp_path / "run", info=unetzoo.ModelInfo(class_names=("background", "nucleus")))


def test_deploy_prints_the_table_and_predict_runs_what_it_wrote(folder, invoke, tmp_path):
    options = ("--data", "nuclei", "--engines", "torch", "--crops", "2", "--crop", "32", "--json")
    done = invoke("deploy", str(folder), *options, "--out", str(tmp_path / "app"))
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert [each["dtype"] for each in result["candidates"]] == ["float32", "bfloat16"]
    np.save(tmp_path / "in.npy", np.zeros((40, 50), np.uint8))
    done = invoke("predict", str(tmp_path / "app"), str(tmp_path / "in.npy"), str(tmp_path / "out.png"))
    assert done.exit_code == 0, done.output


def test_predict_takes_an_engine(folder, invoke, tmp_path):
    np.save(tmp_path / "in.npy", np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8))
    for engine in ("torch", "openvino"):
        target = str(tmp_path / f"{engine}.npy")
        arguments = (str(folder), str(tmp_path / "in.npy"), target, "--engine", engine, "--probabilities")
        assert invoke("predict", *arguments).exit_code == 0
    first, second = (np.load(tmp_path / f"{engine}.npy") for engine in ("torch", "openvino"))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_an_unknown_engine_is_one_clear_error(folder, run, tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((40, 50), np.uint8))
    arguments = ("predict", str(folder), str(tmp_path / "in.npy"), str(tmp_path / "out.png"), "--engine")
    done = run(*arguments, "openvin")
    assert done.returncode == 2
    assert "no engine named 'openvin'; did you mean 'openvino'? (unetzoo list engines shows all 3)" in done.stderr
    assert "Traceback" not in done.stderr
