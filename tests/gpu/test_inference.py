"""`optimize`, `predict`, `prune` and a grid on a GPU, beside a CPU's float32."""

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.bench.grid import Combination
from unetzoo.bench.runner import run_in_processes
from unetzoo.bench.store import load_all

_HALF = pytest.param(torch.float16, 2e-2, id="float16", marks=pytest.mark.gpu)


def _difference(actual, expected):
    actual, expected = actual.detach().cpu().double(), expected.detach().cpu().double()
    return ((actual - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [pytest.param(torch.float32, 1e-2, id="float32"), pytest.param(torch.bfloat16, 1e-1, id="bfloat16"), _HALF],
)
@pytest.mark.parametrize("decoder", ["unet", pytest.param("unetpp", marks=pytest.mark.gpu)])
def test_an_optimized_network_has_the_logits_of_the_original_in_double_precision(
    decoder, dtype, tolerance, device, make_model
):
    if (dtype, device) == (torch.float16, "cpu"):
        pytest.skip("optimize refuses float16 on a CPU")
    model = make_model(decoder).eval()
    image = torch.randn(2, 1, 96, 64, device=device)
    logits = unetzoo.optimize(model, dtype=dtype)(image)
    assert logits.device.type == device
    assert _difference(logits, model.double()(image.double())) < tolerance


@pytest.mark.gpu
def test_a_network_is_optimized_where_float32_is_computed_in_tf32(monkeypatch):
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="resnet34").eval().cuda()
    image = torch.randn(1, 3, 128, 128, device="cuda")
    assert _difference(unetzoo.optimize(model)(image), model.double()(image.double())) < 2e-2


@pytest.mark.gpu
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_a_compiled_network_has_the_logits_of_the_original_call_by_call(mode, make_model):
    model = unetzoo.create("unet", encoder="resnet18").eval().cuda()
    compiled = torch.compile(model, mode=mode)
    with torch.no_grad():
        for _ in range(3):
            image = torch.randn(1, 3, 64, 64, device="cuda")
            assert _difference(compiled(image), model(image)) < 1e-2


@pytest.mark.parametrize("mirrors", [1, pytest.param(8, marks=pytest.mark.gpu)])
def test_tiles_are_predicted_as_on_a_cpu(mirrors, device, make_model):
    image = np.random.default_rng(0).random((300, 410, 1), dtype=np.float32)
    options = {"tile": 128, "overlap": 32, "batch": 3, "mirrors": mirrors}
    expected = unetzoo.predict(make_model().cpu().eval(), image, **options)
    result = unetzoo.predict(make_model().eval(), image, **options)
    assert result.shape == (2, 300, 410)
    np.testing.assert_allclose(result, expected, atol=1e-2)


@pytest.mark.parametrize("level", [1, 2])
def test_a_pruned_network_has_the_logits_of_the_head_that_it_keeps(level, device, make_model, precise):
    options = {"decoder_options": {"deep_supervision": True}, "encoder_options": {"widths": (8, 16, 16)}}
    model = make_model("unetpp", **options).eval()
    image = torch.randn(1, 1, 64, 64, device=device)
    assert _difference(unetzoo.prune(model, level)(image), model.all_logits(image)[level - 1]) < 1e-4


@pytest.mark.gpu
def test_a_grid_of_two_rows_is_trained_and_timed(tmp_path):
    rows = [
        Combination(
            decoder=decoder,
            encoder="plain(widths=(4, 8))",
            loss="dice + ce",
            data="nuclei",
            seed=0,
            steps=2,
            batch=2,
            crop=32,
            size=64,
            training={"device": "cuda", "workers": 0},
        )
        for decoder in ("unet", "fpn")
    ]
    list(run_in_processes(rows, tmp_path, workers=2))
    results = load_all(tmp_path)
    assert [result.get("error") for result in results] == [None, None]
    assert {result["speed"]["device"] for result in results} == {"cuda"}
    assert all(0 <= result["accuracy"]["mean"]["IoU"] <= 1 for result in results)
