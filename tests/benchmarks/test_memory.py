import pytest
import torch

from benchmarks.memory import saved_bytes

_SCALARS = 64  # bytes


def _step(layers, image):
    def step():
        layers(image).square().mean().backward()

    return step


def test_what_a_step_keeps_is_what_lives_when_its_backward_pass_begins():
    image = torch.rand(2, 3, 32, 32)
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU())  # the ReLU's map alone is kept
    assert saved_bytes(_step(layers, image)) == pytest.approx(2 * 8 * 32 * 32 * 4, abs=_SCALARS)


def test_a_step_without_a_backward_pass_keeps_what_its_result_does():
    image = torch.rand(2, 3, 32, 32)
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.Sigmoid())
    assert saved_bytes(lambda: layers(image)) == pytest.approx(2 * 4 * 32 * 32 * 4, abs=_SCALARS)
    with torch.no_grad():
        assert saved_bytes(lambda: layers(image).mean()) <= _SCALARS


def test_views_and_what_is_written_in_place_count_once():
    image = torch.rand(2, 4, 8, 8, requires_grad=True)

    def step():
        return (image.exp().transpose(1, 2) * 1).add_(1)

    assert saved_bytes(step) == pytest.approx(2 * 2 * 4 * 8 * 8 * 4, abs=_SCALARS)  # of exp and of the product
