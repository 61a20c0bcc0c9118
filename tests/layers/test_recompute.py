"""Gradients with the recomputed map are compared with those of the same three layers called one after another."""

import copy
import gc
import weakref
from functools import partial

import pytest
import torch
from torch import nn

from unetzoo.layers import recompute
from unetzoo.layers.norm import GroupNorm, make_activation, make_norm

NORMS = ["batch", "group", "instance", "layer", "none"]
ACTIVATIONS = ["relu", "leaky_relu", "elu", "gelu", "silu", "prelu"]


norm_act_conv = partial(recompute.norm_act_conv, least_bytes=0)  # of maps as small as these, too


def _layers(norm="batch", activation="relu", dtype=torch.float64):
    torch.manual_seed(0)
    layers = nn.ModuleList([make_norm(norm, 3), make_activation(activation), nn.Conv2d(3, 2, 3, padding=1)])
    return layers.to(dtype)


def _plain(layers, features):
    norm, activation, convolution = layers
    return convolution(activation(norm(features)))


def _features(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 5, 4, generator=generator, dtype=dtype).requires_grad_()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_gradients_are_those_of_the_plain_layers(norm, activation, training):
    layers = _layers(norm, activation).train(training)
    twin = copy.deepcopy(layers)
    features, same = _features(), _features()
    actual = norm_act_conv(*layers, features * 1)
    expected = _plain(twin, same * 1)
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)
    actual.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(features.grad, same.grad, rtol=0, atol=0)
    for parameter, other in zip(layers.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=0, atol=0)
    for buffer, other in zip(layers.buffers(), twin.buffers(), strict=True):
        assert torch.equal(buffer, other)  # running statistics moved once


@pytest.mark.parametrize("norm", ["batch", "group", "layer"])
def test_first_and_second_gradients_agree_with_differences(norm):
    layers = _layers(norm, "elu")
    assert torch.autograd.gradcheck(lambda x: norm_act_conv(*layers, x * 1), _features())
    assert torch.autograd.gradgradcheck(lambda x: norm_act_conv(*layers, x * 1), _features())


def _kept_by(layers, least_bytes=0):
    """The result, and a reference to the activated map's memory."""
    alive = []

    class Convolution(nn.Module):
        def forward(self, activated):
            alive.append(weakref.ref(activated.untyped_storage()))
            return layers[2](activated)

    result = recompute.norm_act_conv(layers[0], layers[1], Convolution(), _features() * 1, least_bytes=least_bytes)
    gc.collect(1)  # the young objects: all of a long test run take seconds
    return result, alive[0]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "gelu", "prelu"])
@pytest.mark.parametrize("norm", ["batch", "group", "instance", "layer"])
def test_the_activated_map_is_not_kept(norm, activation):
    result, alive = _kept_by(_layers(norm, activation))
    assert alive() is None
    result.sum().backward()


@pytest.mark.parametrize("limit", [960, 961])  # bytes; 2 x 3 x 5 x 4 values of 8 are 960
def test_maps_below_the_limit_are_kept(limit):
    result, alive = _kept_by(_layers(), least_bytes=limit)
    assert (alive() is not None) == (limit > 960)
    result.sum().backward()


def test_the_plain_layers_would_keep_it():
    layers = _layers()
    alive = []
    convolution = layers[2]
    convolution.register_forward_pre_hook(lambda _, inputs: alive.append(weakref.ref(inputs[0].untyped_storage())))
    result = _plain(layers, _features() * 1)
    gc.collect(1)  # the young objects: all of a long test run take seconds
    assert alive[0]() is not None
    result.sum().backward()


def test_a_second_backward_pass_gives_the_same_gradients():
    layers, features = _layers(), _features()
    result = norm_act_conv(*layers, features * 1).square().sum()
    (first,) = torch.autograd.grad(result, features, retain_graph=True)
    (second,) = torch.autograd.grad(result, features)
    assert torch.equal(first, second)


def test_nothing_stays_alive_when_there_is_no_backward_pass():
    layers = _layers()
    features = _features() * 1
    alive = weakref.ref(features.untyped_storage())
    result = norm_act_conv(*layers, features)
    del result, features
    gc.collect(1)  # the young objects: all of a long test run take seconds
    assert alive() is None


def test_it_holds_under_the_transforms_of_torch_func():
    layers, features = _layers("group"), _features().detach()
    actual = torch.func.grad(lambda x: norm_act_conv(*layers, x).square().sum())(features)
    expected = torch.func.grad(lambda x: _plain(layers, x).square().sum())(features)
    torch.testing.assert_close(actual, expected)


class _InFloat32(GroupNorm):
    """As autocast on a GPU runs group norm: in float32, whatever it is given; mixed types are an error."""

    def forward(self, features):
        if torch.is_autocast_enabled("cpu"):
            features = features.float()
        assert features.dtype == self.weight.dtype
        return super().forward(features)


def test_a_norm_that_autocast_runs_in_float32_is_repeated_in_it(monkeypatch):
    monkeypatch.setattr(recompute, "_REPEATABLE", (_InFloat32,))
    layers = _layers("group", dtype=torch.float32)
    layers[0] = _InFloat32(1, 3)
    twin = copy.deepcopy(layers)
    features, same = _features(torch.bfloat16), _features(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        actual, expected = norm_act_conv(*layers, features * 1), _plain(twin, same * 1)
    actual.float().sum().backward()
    expected.float().sum().backward()
    assert torch.equal(features.grad, same.grad)


@pytest.mark.parametrize("norm", NORMS)
def test_it_holds_under_autocast(norm):
    layers = _layers(norm, dtype=torch.float32)
    twin = copy.deepcopy(layers)
    features, same = _features(torch.float32), _features(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        actual, expected = norm_act_conv(*layers, features * 1), _plain(twin, same * 1)
    assert actual.dtype == torch.bfloat16
    actual.float().square().sum().backward()
    expected.float().square().sum().backward()
    assert torch.equal(features.grad, same.grad)


def test_it_compiles_in_one_graph():
    layers, features = _layers(dtype=torch.float32), _features(torch.float32)
    expected = _plain(copy.deepcopy(layers), features)
    actual = torch.compile(lambda x: norm_act_conv(*layers, x), fullgraph=True, backend="aot_eager")(features)
    torch.testing.assert_close(actual, expected)
    actual.sum().backward()
    assert features.grad is not None
