"""Networks that OpenVINO computes, beside torch; and what engines refuse."""

import copy
import gc
import os
import pickle
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from processes import start as start_process
from torch import nn

import unetzoo
from unetzoo.inference.engines.by_openvino import convert, start
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.testing.rules import without_network


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = unetzoo.create("unetpp", encoder="plain", encoder_options={"widths": (4, 8, 8)}, classes=2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return model.eval()


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (50, 61, 3), dtype=np.uint8) for _ in range(4)]


@pytest.fixture(scope="module")
def fast(model):
    return unetzoo.optimize(model, engine="openvino")


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (1, 3, 1, 1), (2, 3, 31, 100), (3, 3, 129, 32)])
def test_openvino_gives_the_logits_for_any_batch_and_size(model, fast, shape):
    image = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(image)
    torch.testing.assert_close(fast(image), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_a_size_that_comes_often_gets_a_graph_of_its_own_with_the_same_logits(model):
    fast, image = unetzoo.optimize(model, engine="openvino"), torch.randn(1, 3, 40, 56)
    first = fast(image)
    logits = [fast(image) for _ in range(20)]
    graphs = fast.engine.start()
    assert list(graphs._own) == [(1, 3, 40, 56)]
    torch.testing.assert_close(logits[-1], first, rtol=0, atol=1e-5)


def test_the_network_is_predicted_evaluated_and_pickled_like_any_other(model, fast, images):
    expected = unetzoo.predict(model, images[0])
    np.testing.assert_allclose(unetzoo.predict(fast, images[0]), expected, atol=1e-5)
    again = pickle.loads(pickle.dumps(fast))
    np.testing.assert_array_equal(unetzoo.predict(again, images[0]), unetzoo.predict(fast, images[0]))
    assert isinstance(fast, unetzoo.OptimizedSegmenter)
    assert fast.dtype is torch.float32


def test_int8_is_near_float32_and_smaller(model, images):
    small = unetzoo.optimize(model, engine="openvino", dtype="int8", calibration=images)
    exact = unetzoo.predict(model, images[0])
    assert 0 < np.abs(unetzoo.predict(small, images[0]) - exact).max() < 0.05
    assert len(small.engine.files["network.bin"]) < 0.5 * len(
        unetzoo.optimize(model, engine="openvino").engine.files["network.bin"]
    )


def test_layers_that_int8_costs_most_are_computed_in_float_until_the_score_suffices():
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=2).eval()
    images = [torch.randn(1, 1, 32, 32) for _ in range(3)]
    with torch.no_grad():
        expected = [model(image) for image in images]

    @torch.no_grad()
    def score(run):
        return -float(sum((run(image) - logits).abs().mean() for image, logits in zip(images, expected, strict=True)))

    def scored(calibration):
        return score(start(model, convert(model, [], "int8", calibration), "int8"))

    whole = scored(Calibration(images))
    assert scored(Calibration(images, score, least=whole / 3)) >= whole / 3 > whole


def test_eight_threads_at_once_get_what_one_alone_gets(fast, images):
    expected = [unetzoo.predict(fast, image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: unetzoo.predict(fast, images[number % 4]), range(32)))
    assert all(np.array_equal(result, expected[number % 4]) for number, result in enumerate(results))


def test_the_network_stays_as_it_was(model):
    before = copy.deepcopy(model.state_dict())
    with without_network():
        unetzoo.optimize(model, engine="openvino")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_nothing_is_reported_to_anybody():
    assert [*start_process(_say_who_reports)[1]] == [("openvino.tools.ovc.telemetry_stub", False)]


def _say_who_reports(say):
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}).eval()
    unetzoo.optimize(network, engine="openvino")
    say((sys.modules["openvino.tools.ovc.telemetry_utils"].tm.__name__, "openvino_telemetry" in sys.modules))


def test_a_signal_after_two_networks_have_gone_is_handled():
    process, said = start_process(_signal_after_networks)
    assert [*said] == ["handled"]
    process.join()
    assert process.exitcode == 0


def _signal_after_networks(say):
    signal.signal(signal.SIGTERM, lambda *_: say("handled"))
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}).eval()
    networks = [unetzoo.optimize(model, engine="openvino") for _ in range(2)]
    for network in networks:
        network(torch.rand(1, 3, 32, 32))
    del network
    while networks:
        networks.pop(0)
        gc.collect()
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"engine": "openvin"}, unetzoo.UnknownNameError, "no engine named 'openvin'; did you mean 'openvino'"),
        ({"engine": "openvino", "dtype": "int8"}, unetzoo.OptionError, r"int8 needs calibration=\[\.\.\.\]"),
        (
            {"engine": "openvino", "dtype": "int4"},
            unetzoo.OptionError,
            "computes in float32, bfloat16, int8, not in int4",
        ),
        ({"engine": "openvino", "compile": True}, unetzoo.OptionError, "compile=True is for the engine 'torch'"),
        ({"dtype": "int8"}, unetzoo.OptionError, "dtype must be float32, bfloat16"),
    ],
)
def test_what_an_engine_does_not_do_is_one_clear_error(model, options, error, message):
    with pytest.raises(error, match=message):
        unetzoo.optimize(model, **options)


def test_images_of_other_channels_and_other_devices_are_refused(fast):
    with pytest.raises(unetzoo.ShapeError, match=r"this network takes images \(b, 3, h, w\), got \(1, 4, 32, 32\)"):
        fast(torch.randn(1, 4, 32, 32))
    with pytest.raises(unetzoo.UnetzooError, match="computed by an engine on the CPU, not on meta"):
        copy.deepcopy(fast).to("meta")


def test_int8_with_images_unlike_those_that_it_was_calibrated_with_is_refused_by_numbers(model):
    from unetzoo.inference.engines.by_engine import check_int8

    small = unetzoo.optimize(model, engine="openvino", dtype="int8", calibration=[torch.randn(1, 3, 32, 32) * 1e-3])
    with pytest.raises(
        unetzoo.UnetzooError, match=r"in int8 the logits would differ from those in float32 by [\d.]+ of"
    ):
        check_int8(model, small, [torch.randn(1, 3, 32, 32) * 100])
