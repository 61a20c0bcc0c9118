"""`--engine`, and folders with an engine, in the commands beside `predict`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cells import Cells
from PIL import Image
from served import Server

import unetzoo
from unetzoo.bench.case import Case
from unetzoo.bench.contenders import engine_ways


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small network whose norms know noise, so that its masks depend on the image."""
    torch.manual_seed(0)
    options = {"widths": (4, 8)}
    model = unetzoo.create("unet", encoder="plain", encoder_options=options, in_channels=1, classes=2).train()
    with torch.no_grad():
        for _ in range(20):
            model(torch.randn(2, 1, 32, 32))
    info = unetzoo.ModelInfo(mean=[0.5], std=[0.25], value_range=(0, 255), class_names=("background", "cell"))
    return str(unetzoo.save(model, tmp_path_factory.mktemp("model") / "run", info=info))


def _written(root, mask_of):
    """Images of cells with masks, four to train and two to validate with."""
    cells = Cells(6, 0)
    for index in range(6):
        place = root / ("train" if index < 4 else "val")
        for kind, pixels in (("images", cells[index].image[..., 0]), ("masks", mask_of(cells.instances(index)))):
            (place / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(place / kind / f"{index}.png")
    return str(root)


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    return _written(tmp_path_factory.mktemp("binary"), lambda numbers: numbers > 0)


def _scores(invoke, *arguments):
    """The mean IoU of each image."""
    done = invoke("evaluate", *arguments, "--split", "val", "--json")
    assert done.exit_code == 0, done.output
    return [case["mean_iou"] for case in json.loads(done.stdout)["cases"]]


def test_evaluate_scores_what_the_engine_computes(folder, binary, invoke):
    by_torch, by_openvino = (_scores(invoke, folder, binary, "--engine", name) for name in ("torch", "openvino"))
    assert 0 < by_torch[0] < 1
    np.testing.assert_allclose(by_openvino, by_torch, atol=2e-3)
    refused = invoke("evaluate", folder, binary, "--engine", "openvin")
    assert (refused.exit_code, "did you mean 'openvino'?" in refused.stderr) == (2, True)


def test_evaluate_scores_a_deployed_folder_by_its_engine_alone(folder, binary, invoke, tmp_path):
    options = ("--engines", "torch", "--crops", "1", "--crop", "32", "--json")
    done = invoke("deploy", folder, "--data", binary, *options, "--out", str(tmp_path / "app"))
    assert done.exit_code == 0, done.output
    kept = next(each for each in json.loads(done.stdout)["candidates"] if not each["reason"])
    assert np.mean(_scores(invoke, str(tmp_path / "app"), binary)) == pytest.approx(kept["score"], abs=0.01)
    refused = invoke("evaluate", str(tmp_path / "app"), binary, "--engine", "openvino")
    assert (refused.exit_code, "was prepared for the engine" in refused.stderr) == (2, True)


@torch.no_grad()
def _fit_head(model, cells):
    """Let a network tell cells from the ground: the least squares of its last maps, which are random."""
    images = np.stack([cells[index].image[..., 0] for index in range(4)]) / 255
    normalized = torch.from_numpy((images - 0.5) / 0.25).float()[:, None]
    (maps,) = model.decoder(model.encoder(normalized))
    known = torch.cat([maps, torch.ones_like(maps[:, :1])], dim=1).movedim(1, -1).flatten(0, -2)
    ids = torch.from_numpy(np.stack([cells.instances(index) > 0 for index in range(4)])).float().flatten()
    *weights, bias = torch.linalg.lstsq(known, 2 * ids[:, None] - 1).solution[:, 0]
    head = model.heads[0]
    head.weight.zero_()[-1, :, 0, 0] = 10 * torch.stack(weights)
    head.bias.zero_()[-1] = 10 * bias


def test_deploy_scores_a_network_of_objects_by_their_average_precision(invoke, tmp_path):
    data = _written(tmp_path / "data", lambda numbers: numbers)
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (8, 16)}, "decoder_options": {"norm": "none"}}
    model = unetzoo.create("unet", encoder="plain", in_channels=1, objects="components", **options).eval()
    _fit_head(model, Cells(4, 0))
    unetzoo.save(model, tmp_path / "run", info=unetzoo.ModelInfo(mean=[0.5], std=[0.25], value_range=(0, 255)))
    options = ("--engines", "torch", "--crops", "1", "--crop", "32", "--max-drop", "0.5", "--json")
    done = invoke("deploy", str(tmp_path / "run"), "--data", data, *options, "--out", str(tmp_path / "app"))
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    scored = invoke("evaluate", str(tmp_path / "run"), data, "--split", "val", "--json")
    expected = json.loads(scored.stdout)["objects"]["scores"]["AP"]["value"]
    assert result["metric"] == "AP"
    assert result["candidates"][0]["score"] == pytest.approx(expected, abs=1e-3)
    assert expected > 0


def test_bench_speed_times_the_engines_too(invoke, monkeypatch):
    cases = []

    def run_case(case, on_round):
        cases.append(case)
        raise unetzoo.UnetzooError("enough")

    monkeypatch.setattr("unetzoo.bench.speed.run_case", run_case)
    flags = ("--decoder", "unet", "--encoder", "plain", "--size", "32", "--rounds", "1", "--device", "cpu")
    invoke("bench", "speed", *flags, "--engine", "openvino,onnxruntime")
    assert [case.engines for case in cases] == [("openvino", "onnxruntime")]
    refused = invoke("bench", "speed", *flags, "--engine", "openvin")
    assert (refused.exit_code, "did you mean 'openvino'?" in refused.stderr) == (2, True)


@torch.no_grad()
def test_an_engine_is_a_contender_with_the_logits_of_the_network(folder):
    model, image = unetzoo.load(folder).eval(), torch.randn(1, 1, 32, 32)
    case = Case(decoder="unet", encoder="plain", size=32, engines=("openvino",))
    first, *more = engine_ways(case, model, same_weights=True)
    assert (first.name, {each.name for each in more} <= {"unetzoo, openvino bfloat16"}) == ("unetzoo, openvino", True)
    torch.testing.assert_close(first.run(image), model(image), atol=1e-4, rtol=1e-3)


def test_serve_answers_with_the_masks_that_predict_writes_by_the_same_engine(folder, binary, invoke, tmp_path):
    image = Path(binary, "val", "images", "4.png")
    done = invoke("predict", folder, str(image), str(tmp_path / "mask.png"), "--engine", "openvino")
    assert done.exit_code == 0, done.output
    server = Server(folder, tmp_path / "temporary", "--engine", "openvino")
    status, content, _ = server.post(image.read_bytes())
    server.end()
    assert (status, content) == (200, (tmp_path / "mask.png").read_bytes())
