"""Compared with torch's own AdamW, which is neither fused nor in another order of memory."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from unetzoo.training.optim import DenseAdamW

ORDERS = {"usual": torch.contiguous_format, "channels_last": torch.channels_last}


def _layers(order):
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.Conv2d(5, 4, 1), nn.Conv2d(4, 2, 3))
    return layers.double().to(memory_format=ORDERS[order])


def _groups(layers):
    decayed, others = ([p for p in layers.parameters() if (p.ndim > 1) is many] for many in (True, False))
    return [{"params": decayed, "lr": 0.01}, {"params": others, "lr": 0.02, "weight_decay": 0.0}]


def _train(layers, optimizer, steps, *, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        layers(torch.randn(2, 3, 9, 9, generator=generator, dtype=torch.float64)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("order", ORDERS)
def test_weights_become_those_of_torchs_own(order):
    layers = _layers(order)
    twin = copy.deepcopy(layers)
    _train(layers, DenseAdamW(_groups(layers), weight_decay=0.1), 8)
    _train(twin, AdamW(_groups(twin), weight_decay=0.1, foreach=False), 8)
    for weights, expected in zip(layers.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(weights, expected, rtol=1e-9, atol=1e-12)
        assert weights.stride() == expected.stride()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("clip", [1e-3, 1e3], ids=["above", "below"])
def test_gradients_are_clipped_as_torch_does(order, clip):
    layers = _layers(order)
    twin = copy.deepcopy(layers)
    torchs = AdamW(_groups(twin), weight_decay=0.1, eps=1e-3, foreach=False)
    torchs.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_norm_(twin.parameters(), clip) and None)
    ours = DenseAdamW(_groups(layers), weight_decay=0.1, clip=clip)
    for group in ours.param_groups:
        group["eps"] = 1e-3  # so that the gradients' size matters
    _train(layers, ours, 4)
    _train(twin, torchs, 4)
    for weights, expected in zip(layers.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(weights, expected, rtol=1e-6, atol=1e-9)


def test_weights_without_a_gradient_stay_as_they_are():
    layers = _layers("channels_last")
    layers[0].requires_grad_(False)
    before = layers[0].weight.clone()
    _train(layers, DenseAdamW(_groups(layers), weight_decay=0.1), 2)
    assert torch.equal(layers[0].weight, before)


def test_it_goes_on_from_its_state_bit_by_bit():
    whole, parted = _layers("channels_last"), _layers("channels_last")
    first = DenseAdamW(_groups(whole), weight_decay=0.1)
    _train(whole, first, 3)
    _train(whole, first, 3, seed=2)
    second = DenseAdamW(_groups(parted), weight_decay=0.1)
    _train(parted, second, 3)
    third = DenseAdamW(_groups(parted), weight_decay=0.1)
    third.load_state_dict(second.state_dict())
    _train(parted, third, 3, seed=2)
    assert all(
        torch.equal(parameter, other) for parameter, other in zip(whole.parameters(), parted.parameters(), strict=True)
    )


def test_its_state_is_that_of_torchs_own():
    layers = _layers("channels_last")
    optimizer = DenseAdamW(_groups(layers), weight_decay=0.1)
    _train(layers, optimizer, 2)
    twin = copy.deepcopy(layers)
    torchs = AdamW(_groups(twin), weight_decay=0.1)
    torchs.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    _train(layers, optimizer, 2, seed=3)
    _train(twin, torchs, 2, seed=3)
    for weights, expected in zip(layers.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(weights, expected, rtol=1e-9, atol=1e-12)


LAYOUTS = {
    "usual": torch.Tensor.contiguous,
    "channels last": lambda tensor: tensor.contiguous(memory_format=torch.channels_last),
    "transposed": lambda tensor: tensor.mT.contiguous().mT,
    "with gaps": lambda tensor: torch.stack([tensor, tensor], dim=-1)[..., 0],
}


def _steps(optimizer_of, orders, shape, clip):
    """A weight after three steps, with it, its gradients and its state in orders of their own."""
    generator = torch.Generator().manual_seed(0)
    weight, *gradients = torch.randn(4, *shape, generator=generator, dtype=torch.float64)
    of_weight, of_gradient, of_state = (LAYOUTS[order] for order in orders)
    parameter = nn.Parameter(of_weight(weight))
    optimizer = optimizer_of(parameter, clip)
    for gradient in gradients:
        parameter.grad = of_gradient(gradient)
        optimizer.step()
        for name in ("exp_avg", "exp_avg_sq"):
            optimizer.state[parameter][name] = of_state(optimizer.state[parameter][name])
    return parameter.detach()


def _clipped(parameter, clip):
    plain = AdamW([parameter], weight_decay=0.1, eps=1e-3, foreach=False)
    plain.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_norm_([parameter], clip) and None)
    return plain


def _dense(parameter, clip):
    return DenseAdamW([{"params": [parameter], "eps": 1e-3}], weight_decay=0.1, clip=clip)


@pytest.mark.parametrize("shape", [(4, 3, 5, 2), (4, 3, 1, 1), (1, 3, 5, 5)])
@pytest.mark.parametrize("orders", list(itertools.product(LAYOUTS, repeat=3)), ids="-".join)
def test_each_tensor_may_lie_in_an_order_of_its_own(orders, shape):
    for clip in (1e-3, 1e3):
        weights, expected = _steps(_dense, orders, shape, clip), _steps(_clipped, orders, shape, clip)
        torch.testing.assert_close(weights, expected, rtol=1e-6, atol=1e-9)
