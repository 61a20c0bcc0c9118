"""Layers whose map is recomputed; their gradients are compared with those of the same layers, called in turn."""

import copy
from functools import partial

import torch
from torch import nn

from unetzoo.layers import recompute
from unetzoo.layers.norm import make_activation, make_norm

NORMS = ["batch", "group", "instance", "layer"]
norm_act_conv = partial(recompute.norm_act_conv, least_bytes=0)  # of maps as small as these, too


def make_layers(norm="batch", activation="relu", convolution=None):
    """A norm, an activation and a convolution of 3 channels, with random weights and statistics, in float64."""
    torch.manual_seed(0)
    layers = nn.ModuleList([make_norm(norm, 3), make_activation(activation), convolution or nn.Conv2d(3, 2, 3)])
    for parameter in layers.parameters():
        nn.init.normal_(parameter)
    if norm == "batch":
        layers[0].running_mean.normal_()
        layers[0].running_var.uniform_(0.5, 2)
    return layers.double()


def make_features():
    """A leaf (2, 3, 6, 6) in float64."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 6, 6, generator=generator, dtype=torch.float64).requires_grad_()


def plain(norm, activation, convolution, features):
    """The layers, called in turn."""
    return convolution(activation(norm(features)))


def gradients(run, layers, between=None):
    """The result and all gradients, of layers that `between` may change after the forward pass."""
    features = make_features()
    result = run(*layers, features * 1)
    if between is not None:
        between(layers)
    result.square().sum().backward()
    return [result, features.grad, *(parameter.grad for parameter in layers.parameters())]


def check(layers, between=None):
    """Compare both forms bit for bit; `between` changes the layers after the forward pass."""
    expected = gradients(plain, copy.deepcopy(layers), between)
    actual = gradients(norm_act_conv, layers, between)
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
