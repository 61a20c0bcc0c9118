from typing import get_args

import pytest
import torch
from torch import nn

from unetzoo.layers.norm import Activation, Norm, make_activation, make_norm


def _map():
    return 3 * torch.randn(2, 12, 4, 5, generator=torch.Generator().manual_seed(0)) + 1


@pytest.mark.parametrize(("norm", "axes"), [("batch", (0, 2, 3)), ("instance", (2, 3)), ("layer", (1,))])
def test_a_norm_makes_mean_0_and_variance_1_over_its_axes(norm, axes):
    normed = make_norm(norm, 12)(_map())
    torch.testing.assert_close(normed.mean(axes), torch.zeros_like(normed.mean(axes)), rtol=0, atol=1e-5)
    torch.testing.assert_close(normed.var(axes, correction=0), torch.ones_like(normed.mean(axes)), rtol=0, atol=1e-3)


@pytest.mark.parametrize(("channels", "groups"), [(16, 8), (12, 4), (7, 1)])
def test_group_norm_has_8_groups_or_the_greatest_common_divisor(channels, groups):
    assert make_norm("group", channels).num_groups == groups


@pytest.mark.parametrize("norm", ["group", "instance", "layer", "none"])
def test_norms_without_statistics_accept_one_pixel_in_training(norm):
    for images in (1, 2):
        assert make_norm(norm, 12).train()(torch.randn(images, 12, 1, 1)).isfinite().all()


def test_a_group_of_one_value_is_normalized_to_0_as_its_distance_from_its_mean_is():
    norm = make_norm("instance", 12)
    nn.init.uniform_(norm.bias)
    values = norm(torch.randn(1, 12, 1, 1))[0, :, 0, 0]
    torch.testing.assert_close(values, norm.bias, rtol=0, atol=2e-4)  # the mean's rounding, divided by sqrt(eps)


def test_group_norm_is_torch_s():
    norm, theirs = make_norm("group", 12), nn.GroupNorm(4, 12)
    assert torch.equal(norm(_map()), theirs(_map()))


def test_none_changes_nothing():
    assert torch.equal(make_norm("none", 12)(_map()), _map())


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_is_its_torch_namesake(activation):
    namesakes = {
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(0.01),
        "elu": nn.ELU(),
        "gelu": nn.GELU(),
        "silu": nn.SiLU(),
        "prelu": nn.PReLU(),
    }
    assert torch.equal(make_activation(activation)(_map()), namesakes[activation](_map()))


def test_there_are_the_norms_that_are_promised():
    assert get_args(Norm) == ("batch", "group", "instance", "layer", "none")
