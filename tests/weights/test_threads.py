"""Networks are created, loaded and used in several threads of one process."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import torch
from saved import same_weights

import unetzoo
from unetzoo.registry import host as plugins


@pytest.fixture
def network():
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": [2, 3, 4]}).eval()


def test_what_another_thread_makes_while_networks_are_loaded_has_its_values(network, tmp_path):
    folder = unetzoo.save(network, tmp_path)
    done = Event()

    def make_layers():
        layers = []
        while not done.is_set():
            layers = [*layers[-1000:], torch.nn.BatchNorm2d(3)]
        return layers

    with ThreadPoolExecutor(4) as pool:
        future = pool.submit(make_layers)
        loaded = list(pool.map(unetzoo.load, [folder] * 12))
        done.set()
    assert all(torch.equal(layer.weight, torch.ones(3)) for layer in future.result())
    assert all(same_weights(model, network) for model in loaded)
    assert torch.nn.Linear(2, 2).weight.device.type == "cpu"


def test_eight_threads_that_create_load_optimize_and_predict_at_once_give_what_one_alone_gives(network, tmp_path):
    folder, fast = unetzoo.save(network, tmp_path), unetzoo.optimize(network)
    image = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    expected = unetzoo.predict(network, image)

    def work(_):
        created = unetzoo.create("unet", encoder="plain", encoder_options={"widths": [2, 3, 4]})
        assert all(bool(tensor.isfinite().all()) for tensor in created.state_dict().values())
        created.load_state_dict(network.state_dict())
        return [unetzoo.predict(model, image) for model in (created.eval(), unetzoo.load(folder), fast)]

    alone = unetzoo.predict(fast, image)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(16)))
    assert all(np.array_equal(result, expected) for *pair, _ in results for result in pair)
    assert all(np.array_equal(optimized, alone) for *_, optimized in results)


def test_the_plugins_are_loaded_once_whichever_thread_asks_first():
    plugins._loaded.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        hosts = list(pool.map(lambda _: plugins.host(), range(8)))
    assert all(host is hosts[0] for host in hosts)
