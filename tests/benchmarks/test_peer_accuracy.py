"""The same network in three libraries."""

from dataclasses import replace

import pytest
import torch
from sweeps import sweep

from benchmarks.claims import peers
from benchmarks.claims.peer_seconds import equal_steps, measure_seconds, shares
from benchmarks.claims.peers import FIT, LIBRARIES, MONAI, OURS, SMP, PeerRun, PlainLoop, measure_peer, networks
from unetzoo.bench.measure import opened

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of MONAI's import
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Small batches of small crops."""
    monkeypatch.setattr(peers, "OPTIONS", replace(peers.OPTIONS, batch=2, crop=64))


def test_ours_begin_with_the_function_that_smps_network_computes():
    image = torch.randn(1, 1, 64, 96)
    with torch.no_grad():
        logits = {name: network.eval()(image) for name, network in networks(opened("nuclei"), seed=3).items()}
    torch.testing.assert_close(logits[OURS], logits[SMP], rtol=1e-4, atol=1e-4)
    assert torch.equal(logits[OURS], logits[FIT])
    assert logits[MONAI].shape == logits[SMP].shape


@pytest.mark.parametrize("name", [SMP, MONAI])
def test_a_peer_has_its_own_weights_alone_and_takes_images_of_any_size(name):
    peer = networks(opened("nuclei"), 0)[name]
    assert {key.partition(".")[0] for key, _ in peer.named_parameters()} == {"network"}
    assert peer(torch.zeros(2, 1, 33, 64)).shape == (2, 2, 33, 64)


def test_a_step_of_the_plain_loop_changes_ours_as_it_changes_smps():
    data, logits = opened("nuclei"), {}
    models = networks(data, 0)
    for name in (OURS, SMP):
        logits[name] = []
        models[name].register_forward_hook(lambda _, __, result, name=name: logits[name].append(result.detach()))
        loop = PlainLoop(models[name], data, seed=0, steps=2)
        loop.step()
        loop.step()
    first, second = zip(logits[OURS], logits[SMP], strict=True)
    torch.testing.assert_close(*first, rtol=1e-4, atol=1e-4)  # the same crops
    moved = (second[1] - first[1]).abs().mean()
    assert (second[0] - second[1]).abs().mean() < 0.05 * moved


def test_equal_seconds_are_those_of_smps_steps():
    steps = {FIT: [0.4], OURS: [0.1, 0.2, 0.9], SMP: [0.3, 0.1, 0.2], MONAI: [0.05]}
    counts = equal_steps({"steps": steps, "beside steps": [5.0, 4.0, 4.0]}, 100)
    assert counts == {FIT: 40, OURS: 100, SMP: 100, MONAI: 400}  # of 20 seconds, fit needs 4 for other things


def test_a_step_is_compared_with_smps_next_to_it():
    steps = {FIT: [4.0, 9.0], OURS: [1.0, 1.0, 1.0, 1.0], SMP: [9.0, 2.0, 9.0, 3.0], MONAI: [9.0, 4.0, 9.0, 9.0]}
    result = shares({"steps": steps, "beside steps": [0.0, 0.0]})  # two fits of two steps, of which one is timed
    assert result[FIT] == (2.5, pytest.approx(12.706 * 0.5, rel=1e-4))  # 2 and 3; Student's t for one degree of freedom
    assert result[SMP] == (1.0, 0.0)
    assert result[OURS][0] == pytest.approx((1 / 9 + 1 / 2 + 1 / 9 + 1 / 3) / 4)
    assert result[MONAI][0] == pytest.approx((1 + 2 + 1 + 3) / 4)


def test_the_interval_of_a_step_is_that_over_trainings():
    alike = [1.0, 2.0, 1.0, 2.0]  # in every training the same, however much its steps differ
    steps = {FIT: [1.0, 1.0], OURS: alike, SMP: [1.0, 1.0, 1.0, 1.0], MONAI: [1.0, 1.0, 2.0, 2.0]}
    result = shares({"steps": steps, "beside steps": [0.0, 0.0]})
    assert result[OURS] == (1.5, 0.0)
    assert result[MONAI] == (1.5, pytest.approx(12.706 * 0.5, rel=1e-4))


def test_every_library_is_timed_as_often():
    seconds = measure_seconds("nuclei", fits=1, steps=3)
    assert {name: len(times) for name, times in seconds["steps"].items()} == {FIT: 2, OURS: 3, SMP: 3, MONAI: 3}
    assert seconds["beside steps"][0] > 0


@pytest.mark.parametrize("library", sweep(LIBRARIES, [FIT, MONAI]))  # the test above trains all by turns
def test_each_library_is_trained_and_judged(library):
    result = measure_peer(PeerRun(library=library, data="nuclei", seed=0, steps=2))
    assert 0 < result["accuracy"]["mean"]["IoU"] < 1
    assert result["training seconds"] > 0
    assert result["combination"]["library"] == library
