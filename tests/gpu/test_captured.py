"""An optimized network replays recorded kernels on a GPU, for images of any size, in any thread, after any move."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import unetzoo


def _difference(actual, expected):
    return ((actual.cpu().double() - expected.cpu().double()).abs().max() / expected.abs().max().cpu()).item()


@pytest.fixture
def optimized(make_model):
    """A network in bfloat16 for images of one channel, and its logits in double precision."""
    model = make_model(encoder_options={"widths": (8, 16, 16)}).eval()
    exact = copy.deepcopy(model).double()
    return unetzoo.optimize(model, dtype=torch.bfloat16), lambda image: exact(image.double())


def _images(device, *sizes):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, 1, *size, generator=generator).to(device) for size in sizes]


def test_each_call_of_every_size_has_the_logits_of_its_own_images(device, optimized):
    fast, exact = optimized
    sizes = [(64, 64), (32, 96), (96, 32), (64, 32), (32, 32), (96, 96)]
    with torch.no_grad():
        for image in _images(device, *sizes, *sizes, *reversed(sizes), *sizes):
            assert _difference(fast(image), exact(image)) < 0.1


def test_logits_stay_as_they_are_when_the_next_are_computed(device, optimized):
    fast, _ = optimized
    images = _images(device, *[(64, 64)] * 5)
    logits = [fast(image) for image in images]
    assert all(torch.equal(before, fast(image)) for before, image in zip(logits[2:], images[2:], strict=True))


def test_threads_get_the_logits_of_their_own_images(device, optimized):
    fast, exact = optimized
    images = _images(device, *[(64, 64), (64, 96)] * 20)
    with ThreadPoolExecutor(4) as threads:
        logits = list(threads.map(fast, images))
    with torch.no_grad():
        for result, image in zip(logits, images, strict=True):
            assert _difference(result, exact(image)) < 0.1


def test_a_copy_and_a_moved_network_record_anew(device, optimized):
    fast, exact = optimized
    image, *others = _images(device, *[(64, 64)] * 4)
    for one in others:
        fast(one)
    twin = copy.deepcopy(fast)
    with torch.no_grad():
        for _ in range(3):
            assert _difference(twin(image), exact(image)) < 0.1
        on_cpu = fast.cpu()(image.cpu())
        assert _difference(on_cpu, exact(image)) < 0.1
        back = fast.to(device)
        for one in (*others, image):
            assert _difference(back(one), exact(one)) < 0.1
