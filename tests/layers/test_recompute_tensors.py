"""Recomputation in checkpoints, without memory, under transforms and in other memory orders."""

import copy
import gc
import weakref

import torch
from recompute_cases import gradients, make_features, make_layers, norm_act_conv, plain
from torch import nn
from torch.autograd.graph import allow_mutation_on_saved_tensors
from torch.utils.checkpoint import checkpoint


def test_it_holds_in_a_checkpoint_which_then_keeps_no_map():
    layers = make_layers()
    expected = gradients(plain, copy.deepcopy(layers))
    alive = []

    def block(features):
        inner = features * 2
        alive.append(weakref.ref(inner.untyped_storage()))
        return norm_act_conv(*layers, inner / 2)

    features = make_features()
    result = checkpoint(block, features, use_reentrant=False)
    gc.collect(1)  # the young objects: all of a long test run take seconds
    assert alive[0]() is None
    result.square().sum().backward()
    torch.testing.assert_close(features.grad, expected[1])
    torch.testing.assert_close(layers[2].weight.grad, expected[-2])


def test_maps_may_change_where_torch_allows_it():
    layers, features = make_layers(), make_features()
    expected = gradients(plain, copy.deepcopy(layers))
    with allow_mutation_on_saved_tensors():
        inner = features * 1
        result = norm_act_conv(*layers, inner)
        with torch.no_grad():
            inner.mul_(2)
        result.square().sum().backward()
    assert torch.equal(features.grad, expected[1])


def test_maps_without_memory_havegradients():
    layers = make_layers().to("meta")
    features = torch.empty(2, 3, 6, 6, dtype=torch.float64, device="meta", requires_grad=True)
    norm_act_conv(*layers, features * 1).sum().backward()
    assert features.grad.shape == features.shape
    assert layers[2].weight.grad.shape == layers[2].weight.shape


def test_maps_of_a_fake_mode_havegradients():
    with torch._subclasses.FakeTensorMode():
        layers = nn.ModuleList([nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 3)])
        features = torch.empty(2, 3, 6, 6, requires_grad=True)
        norm_act_conv(*layers, features * 1).sum().backward()
        assert features.grad.shape == features.shape


def test_gradients_for_each_image_agree_under_vmap():
    layers, features = make_layers("group"), make_features().detach()

    def gradient(run):
        return torch.func.grad(lambda x: run(*layers, x[None]).square().sum())

    gradients = torch.func.vmap(gradient(norm_act_conv))(features)
    assert torch.allclose(gradients, torch.func.vmap(gradient(plain))(features))


def test_a_map_in_the_order_channels_last_stays_in_it():
    layers = make_layers().to(memory_format=torch.channels_last)
    features = make_features().detach().to(memory_format=torch.channels_last).requires_grad_()
    same = features.detach().clone().requires_grad_()
    norm_act_conv(*layers, features * 1).square().sum().backward()
    plain(*layers, same * 1).square().sum().backward()
    assert torch.equal(features.grad, same.grad)
