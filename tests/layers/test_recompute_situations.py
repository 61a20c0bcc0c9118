"""Whatever happens around or between the passes, gradients are those of the same layers called one after another."""

import copy
import gc
import weakref

import pytest
import torch
from torch import nn
from torch.autograd.graph import allow_mutation_on_saved_tensors, saved_tensors_hooks
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from unetzoo.layers import recompute
from unetzoo.layers.norm import make_activation, make_norm
from unetzoo.layers.recompute import norm_act_conv

NORMS = ["batch", "group", "instance", "layer"]


@pytest.fixture(autouse=True)
def small_maps_too(monkeypatch):
    """Maps as small as these would be kept."""
    monkeypatch.setattr(recompute, "_SMALL_BYTES", 0)


class Seen(nn.Module):
    """A convolution of what a function makes of the map."""

    def __init__(self, look, channels=3):
        super().__init__()
        self.look, self.conv = look, nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, features):
        return self.conv(self.look(features))


def _layers(norm="batch", activation="relu", convolution=None):
    torch.manual_seed(0)
    layers = nn.ModuleList([make_norm(norm, 3), make_activation(activation), convolution or nn.Conv2d(3, 2, 3)])
    for parameter in layers.parameters():
        nn.init.normal_(parameter)
    if norm == "batch":
        layers[0].running_mean.normal_()
        layers[0].running_var.uniform_(0.5, 2)
    return layers.double()


def _features():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 6, 6, generator=generator, dtype=torch.float64).requires_grad_()


def _plain(norm, activation, convolution, features):
    return convolution(activation(norm(features)))


def _gradients(run, layers, between=None):
    """The result and all gradients, of layers that `between` may change after the forward pass."""
    features = _features()
    result = run(*layers, features * 1)
    if between is not None:
        between(layers)
    result.square().sum().backward()
    return [result, features.grad, *(parameter.grad for parameter in layers.parameters())]


def _check(layers, between=None):
    wanted = _gradients(_plain, copy.deepcopy(layers), between)
    found = _gradients(norm_act_conv, layers, between)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


LOOKS = {
    "transposed": lambda x: x.transpose(2, 3),
    "turned": lambda x: x.rot90(1, (2, 3)),
    "without a border": lambda x: x[:, :, 1:-1, 1:-1],
    "shifted": lambda x: x[:, :, 1:],
    "as one row": lambda x: x.reshape(2, 3, 1, 36),
    "every second pixel": lambda x: x[:, :, ::2, ::2],
    "of the last image": lambda x: x[1:],
    "with channels changed": lambda x: x[:, [2, 0, 1]],
    "expanded": lambda x: x[:, :, :1].expand(-1, -1, 6, -1),
    "squared": lambda x: x * x,
    "doubled in place": lambda x: (x * 1).mul_(2),
}


@pytest.mark.parametrize("activation", ["relu", "gelu", "prelu"])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_convolution_may_look_at_the_map_as_it_likes(norm, look, activation):
    _check(_layers(norm, activation, Seen(LOOKS[look])))


def test_a_convolution_may_use_some_channels():
    _check(_layers(convolution=Seen(lambda x: x[:, 1:], channels=2)))


def _evaluate(layers):
    layers.eval()


def _train(layers):
    layers.train()


@torch.no_grad()
def _move(layers):
    """Change all that a backward pass of the plain layers does not look at."""
    norm, activation, convolution = layers
    for tensor in (convolution.bias,) if isinstance(norm, nn.LayerNorm) else (convolution.bias, norm.bias):
        tensor.mul_(-3)
    if hasattr(activation, "negative_slope"):
        activation.negative_slope = 0.9


def _look_at_another_batch(layers):
    norm, activation, convolution = layers
    norm_act_conv(norm, activation, convolution, _features() + 7)


@pytest.mark.parametrize("between", [_evaluate, _train, _move, _look_at_another_batch])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_what_changes_between_the_passes_has_no_effect(norm, training, between):
    _check(_layers(norm, "relu").train(training), between)
    _check(_layers(norm, "gelu").train(training), between)


@pytest.mark.parametrize("changed", [0, 2])
def test_a_weight_that_the_gradient_needs_and_that_has_changed_is_an_error(changed):
    layers = _layers()
    result = norm_act_conv(*layers, _features() * 1).sum()
    with torch.no_grad():
        layers[changed].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


def test_a_map_that_has_changed_is_an_error():
    layers, features = _layers(), _features() * 1
    result = norm_act_conv(*layers, features).sum()
    with torch.no_grad():
        features.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(result, layers[2].weight)


def _double(_, before, after=None):
    return after * 2 if isinstance(after, torch.Tensor) else (before[0] * 2,)


HOOKS = ["register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"]


@pytest.mark.parametrize("hook", [*HOOKS, "register_full_backward_pre_hook"])
@pytest.mark.parametrize("hooked", [0, 1, 2])
def test_hooks_of_a_layer_have_their_effect(hooked, hook):
    layers = _layers(activation="leaky_relu")
    layers[1].inplace = False  # torch refuses backward hooks on layers that work in place
    getattr(layers[hooked], hook)(_double)
    _check(layers)


def test_hooks_of_all_layers_have_their_effect():
    handle = nn.modules.module.register_module_forward_hook(_double)
    try:
        _check(_layers())
    finally:
        handle.remove()


def test_a_forward_of_the_layer_alone_has_its_effect():
    layers = _layers()
    usual = layers[1].forward
    layers[1].forward = lambda features: usual(features) * 2
    wanted, found = _gradients(_plain, layers), _gradients(norm_act_conv, layers)
    assert torch.equal(found[1], wanted[1])


def test_a_parametrized_norm_has_its_effect():
    layers = _layers("group")
    nn.utils.parametrize.register_parametrization(layers[0], "weight", nn.Softplus())
    _check(layers)


def test_a_convolution_with_weight_norm_has_its_effect():
    layers = _layers()
    parametrizations.weight_norm(layers[2])
    _check(layers)


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
    layers = _layers()
    layers[1] = activation.double()
    twin = copy.deepcopy(layers)
    torch.manual_seed(3)
    wanted = _gradients(_plain, twin)
    torch.manual_seed(3)
    found = _gradients(norm_act_conv, layers)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, wanted, strict=True))


def test_parameters_of_a_functional_call_count():
    layers = _layers()

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, features):
            return norm_act_conv(*self.layers, features)

    others = {f"layers.{name}": (value.detach() * 3).requires_grad_() for name, value in layers.named_parameters()}
    features, same = _features(), _features()
    result = torch.func.functional_call(Joined(), others, (features * 1,))
    result.square().sum().backward()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.mul_(3)
    _plain(*layers, same * 1).square().sum().backward()
    torch.testing.assert_close(features.grad, same.grad)
    torch.testing.assert_close(others["layers.2.weight"].grad, layers[2].weight.grad)


@pytest.mark.parametrize("torch_names_the_hooks", [True, False])
def test_it_holds_in_a_checkpoint_which_then_keeps_no_map(torch_names_the_hooks, monkeypatch):
    if not torch_names_the_hooks:  # as before torch 2.8
        monkeypatch.setattr(recompute, "_TOP_HOOKS", None)
    layers = _layers()
    wanted = _gradients(_plain, copy.deepcopy(layers))
    alive = []

    def block(features):
        inner = features * 2
        alive.append(weakref.ref(inner.untyped_storage()))
        return norm_act_conv(*layers, inner / 2)

    features = _features()
    result = checkpoint(block, features, use_reentrant=False)
    gc.collect()
    assert alive[0]() is None
    result.square().sum().backward()
    torch.testing.assert_close(features.grad, wanted[1])
    torch.testing.assert_close(layers[2].weight.grad, wanted[-2])


def test_hooks_for_saved_tensors_see_what_they_would_of_the_plain_layers():
    def shapes(run):
        seen = []
        with saved_tensors_hooks(lambda tensor: seen.append(tensor.shape) or tensor, lambda tensor: tensor):
            run(*_layers(), _features() * 1)
        return seen

    assert shapes(norm_act_conv) == shapes(_plain)


def test_maps_may_change_where_torch_allows_it():
    layers, features = _layers(), _features()
    wanted = _gradients(_plain, copy.deepcopy(layers))
    with allow_mutation_on_saved_tensors():
        inner = features * 1
        result = norm_act_conv(*layers, inner)
        with torch.no_grad():
            inner.mul_(2)
        result.square().sum().backward()
    assert torch.equal(features.grad, wanted[1])


def test_maps_without_memory_have_gradients():
    layers = _layers().to("meta")
    features = torch.empty(2, 3, 6, 6, dtype=torch.float64, device="meta", requires_grad=True)
    norm_act_conv(*layers, features * 1).sum().backward()
    assert features.grad.shape == features.shape
    assert layers[2].weight.grad.shape == layers[2].weight.shape


def test_maps_of_a_fake_mode_have_gradients():
    with torch._subclasses.FakeTensorMode():
        layers = nn.ModuleList([nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 3)])
        features = torch.empty(2, 3, 6, 6, requires_grad=True)
        norm_act_conv(*layers, features * 1).sum().backward()
        assert features.grad.shape == features.shape


def test_gradients_for_each_image_agree_under_vmap():
    layers, features = _layers("group"), _features().detach()

    def gradient(run):
        return torch.func.grad(lambda x: run(*layers, x[None]).square().sum())

    found = torch.func.vmap(gradient(norm_act_conv))(features)
    assert torch.allclose(found, torch.func.vmap(gradient(_plain))(features))


def test_a_map_in_the_order_channels_last_stays_in_it():
    layers = _layers().to(memory_format=torch.channels_last)
    features = _features().detach().to(memory_format=torch.channels_last).requires_grad_()
    same = features.detach().clone().requires_grad_()
    norm_act_conv(*layers, features * 1).square().sum().backward()
    _plain(*layers, same * 1).square().sum().backward()
    assert torch.equal(features.grad, same.grad)
