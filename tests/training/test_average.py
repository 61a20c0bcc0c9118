import pytest
import torch

from unetzoo.training.optim import MovingAverage


def test_the_average_follows_by_the_decay_once_it_is_warm(make_model):
    model = make_model()
    average = MovingAverage(model, 0.5)
    name, weight = next(iter(model.named_parameters()))
    average.update_parameters(model)  # the first: a copy
    before = weight.detach().clone()
    with torch.no_grad():
        weight += 1
    for _ in range(50):
        average.update_parameters(model)
    followed = dict(average.module.named_parameters())[name]
    assert torch.allclose(followed, before + 1, atol=1e-6)


def test_early_on_it_follows_faster_than_its_decay(make_model):
    model = make_model()
    average = MovingAverage(model, 0.999)
    average.update_parameters(model)
    name, weight = next(iter(model.named_parameters()))
    before = weight.detach().clone()
    with torch.no_grad():
        weight += 1
    average.update_parameters(model)  # the second: (1 + 1) / (10 + 1) of the old remain
    moved = (dict(average.module.named_parameters())[name] - before).mean().item()
    assert moved == pytest.approx(1 - 2 / 11, rel=1e-4)
