"""Hooks, parametrizations and layers of other kinds have the same effect as on the same layers, called in turn."""

import copy

import pytest
import torch
from recompute_cases import check, gradients, make_features, make_layers, norm_act_conv, plain
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.utils import parametrizations


def _double(_, before, after=None):
    return after * 2 if isinstance(after, torch.Tensor) else (before[0] * 2,)


HOOKS = ["register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"]


@pytest.mark.parametrize("hook", [*HOOKS, "register_full_backward_pre_hook"])
@pytest.mark.parametrize("hooked", [0, 1, 2])
def test_hooks_of_a_layer_have_their_effect(hooked, hook):
    layers = make_layers(activation="leaky_relu")
    layers[1].inplace = False  # torch refuses backward hooks on layers that work in place
    getattr(layers[hooked], hook)(_double)
    check(layers)


def test_hooks_of_all_layers_have_their_effect():
    handle = nn.modules.module.register_module_forward_hook(_double)
    try:
        check(make_layers())
    finally:
        handle.remove()


def test_a_forward_of_the_layer_alone_has_its_effect():
    layers = make_layers()
    usual = layers[1].forward
    layers[1].forward = lambda features: usual(features) * 2
    expected, actual = gradients(plain, layers), gradients(norm_act_conv, layers)
    assert torch.equal(actual[1], expected[1])


def test_a_parametrized_norm_has_its_effect():
    layers = make_layers("group")
    nn.utils.parametrize.register_parametrization(layers[0], "weight", nn.Softplus())
    check(layers)


def test_a_convolution_with_weight_norm_has_its_effect():
    layers = make_layers()
    parametrizations.weight_norm(layers[2])
    check(layers)


class _Counts(nn.Module):
    """An activation with a state that decides what it does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, features):
        self.calls += 1
        return features.relu() * self.calls


@pytest.mark.parametrize("activation", [nn.RReLU(), nn.Dropout2d(0.5), _Counts(), nn.BatchNorm2d(3), nn.Identity()])
def test_an_activation_with_a_state_or_by_chance_runs_once(activation):
    layers = make_layers()
    layers[1] = activation.double()
    twin = copy.deepcopy(layers)
    torch.manual_seed(3)
    expected = gradients(plain, twin)
    torch.manual_seed(3)
    actual = gradients(norm_act_conv, layers)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(actual, expected, strict=True))


def test_parameters_of_a_functional_call_count():
    layers = make_layers()

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, features):
            return norm_act_conv(*self.layers, features)

    others = {f"layers.{name}": (value.detach() * 3).requires_grad_() for name, value in layers.named_parameters()}
    features, same = make_features(), make_features()
    result = torch.func.functional_call(Joined(), others, (features * 1,))
    result.square().sum().backward()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.mul_(3)
    plain(*layers, same * 1).square().sum().backward()
    torch.testing.assert_close(features.grad, same.grad)
    torch.testing.assert_close(others["layers.2.weight"].grad, layers[2].weight.grad)


def test_hooks_for_saved_tensors_see_what_they_would_of_theplainmake_layers():
    def shapes(run):
        seen = []
        with saved_tensors_hooks(lambda tensor: seen.append(tensor.shape) or tensor, lambda tensor: tensor):
            run(*make_layers(), make_features() * 1)
        return seen

    assert shapes(norm_act_conv) == shapes(plain)
