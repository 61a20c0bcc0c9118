"""Changes between the passes have the same effect as on the same layers, called in turn."""

import pytest
import torch
from recompute_cases import NORMS, check, make_features, make_layers, norm_act_conv
from torch import nn


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
    norm_act_conv(norm, activation, convolution, make_features() + 7)


@pytest.mark.parametrize("between", [_evaluate, _train, _move, _look_at_another_batch])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_what_changes_between_the_passes_has_no_effect(norm, training, between):
    check(make_layers(norm, "relu").train(training), between)
    check(make_layers(norm, "gelu").train(training), between)


@pytest.mark.parametrize("changed", [0, 2])
def test_a_weight_that_the_gradient_needs_and_that_has_changed_is_an_error(changed):
    layers = make_layers()
    result = norm_act_conv(*layers, make_features() * 1).sum()
    with torch.no_grad():
        layers[changed].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


def test_a_map_that_has_changed_is_an_error():
    layers, features = make_layers(), make_features() * 1
    result = norm_act_conv(*layers, features).sum()
    with torch.no_grad():
        features.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(result, layers[2].weight)
