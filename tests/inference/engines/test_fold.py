"""What may be folded and what must not be: networks of a few layers, compared with themselves."""

import copy

import pytest
import torch
from timm.layers import BatchNormAct2d, Conv2dSame, StdConv2d
from torch import nn

from unetzoo.inference.engines.fold import fold


class _Skipping(nn.Module):
    """A convolution whose output is needed before its norm, too."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        convolved = self.convolution(x)
        return convolved + self.norm(convolved)


class _Twice(nn.Module):
    """A convolution that is used twice, each time with another norm."""

    def __init__(self):
        super().__init__()
        self.convolution, self.first, self.second = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.second(self.convolution(self.first(self.convolution(x))))


class _Between(nn.Module):
    """A function between the convolution and its norm."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.convolution(x).sigmoid())


def _with_statistics(network):
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def _norms(network):
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize(
    ("network", "norms_left"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), 0),
        (nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, affine=False)), 0),
        (nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6)), 0),
        (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)), 1),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), 1),
        (_Skipping(), 1),
        (_Twice(), 2),
        (_Between(), 1),
    ],
    ids=["plain", "no bias, not affine", "groups", "norm first", "no statistics", "skipping", "twice", "between"],
)
def test_only_what_can_be_folded_is_and_the_result_stays(network, norms_left):
    network = _with_statistics(network)
    image = torch.randn(2, 3, 8, 8)
    folded = copy.deepcopy(network)
    with torch.no_grad():
        assert not any(fold(folded, image).values())
        torch.testing.assert_close(folded(image), network(image), rtol=1e-5, atol=1e-5)
    assert _norms(folded) == norms_left


def test_a_relu_behind_the_norm_is_taken_out_and_reported():
    network = _with_statistics(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)))
    image = torch.randn(2, 3, 8, 8)
    expected = network(image)
    rectified = fold(network, image)
    assert list(rectified.values()) == [True]
    torch.testing.assert_close(network(image).relu(), expected, rtol=1e-5, atol=1e-5)
    assert [type(layer) for layer in network] == [nn.Conv2d, nn.Identity, nn.Identity]


def test_a_relu_stays_where_something_else_needs_what_comes_before_it():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution, self.relu = nn.Conv2d(3, 3, 1), nn.ReLU()

        def forward(self, x):
            convolved = self.convolution(x)
            return self.relu(convolved) - convolved

    assert not any(fold(Network().eval(), torch.randn(1, 3, 4, 4)).values())


class _Doubling(nn.BatchNorm2d):
    """A norm that does more than one."""

    def forward(self, x):
        return super().forward(x) * 2


class _Standardized(nn.Conv2d):
    """A convolution whose kernel is not the weight as it is stored."""

    def forward(self, x):
        return torch.conv2d(x, self.weight / self.weight.norm(), self.bias)


def _hooked(position):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    network[position].register_forward_hook(lambda layer, inputs, output: output * 2 + 1)
    return network


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), _Doubling(4), nn.ReLU()),
        nn.Sequential(_Standardized(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(StdConv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        _hooked(0),
        _hooked(1),
    ],
    ids=["norm", "kernel", "weight norm", "timm's kernel", "hook on the convolution", "hook on the norm"],
)
def test_layers_that_do_something_else_stay_and_keep_their_hooks(network):
    network = _with_statistics(network)
    image = torch.randn(2, 3, 8, 8)
    folded = copy.deepcopy(network)
    with torch.no_grad():
        assert not any(fold(folded, image).values())
        torch.testing.assert_close(folded(image), network(image), rtol=0, atol=0)
    assert _norms(folded) == 1


def test_a_relu_with_a_hook_stays():
    network = _with_statistics(_hooked(2))
    image = torch.randn(2, 3, 8, 8)
    folded = copy.deepcopy(network)
    with torch.no_grad():
        assert not any(fold(folded, image).values())
        torch.testing.assert_close(folded(image), network(image), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("hooked", [False, True])
def test_the_activation_of_timm_s_norm_stays_where_it_has_a_hook(hooked):
    network = _with_statistics(nn.Sequential(Conv2dSame(3, 4, 3, stride=2), BatchNormAct2d(4)))
    maps = []
    if hooked:
        network[1].act.register_forward_hook(lambda layer, inputs, output: maps.append(output))
    image = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        expected = network(image)
        maps.clear()
        rectified = list(fold(network, image).values())
        maps.clear()
        torch.testing.assert_close(network(image).relu(), expected, rtol=1e-5, atol=1e-5)
    assert rectified == [not hooked]
    assert len(maps) == hooked
    assert _norms(network) == 0
