"""Training with checkpointed activations is compared with training as usual."""

import copy

import pytest
import torch
from torch import nn

import unetzoo
from unetzoo.benchmark.worker import saved_bytes
from unetzoo.layers.block import FuseBlock


def _gradients(model, image):
    model.zero_grad()
    model(image).square().mean().backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


def _twins(decoder, encoder):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder)
    twin = copy.deepcopy(model)
    twin.checkpoint_activations()
    return model, twin


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
@pytest.mark.parametrize("encoder", ["plain", "resnet10t", "convnext_atto"])
def test_the_gradients_stay_the_same(decoder, encoder):
    model, twin = _twins(decoder, encoder)
    image = torch.randn(2, 3, 64, 64)
    for found, wanted in zip(_gradients(twin, image), _gradients(model, image), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-6)


def test_running_statistics_of_our_own_blocks_move_once():
    model, twin = _twins("unetpp", "plain")
    image = torch.randn(2, 3, 32, 32)
    _gradients(model, image)
    _gradients(twin, image)
    for (name, wanted), found in zip(model.named_buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(found, wanted, msg=name)
    assert {norm.momentum for norm in twin.modules() if isinstance(norm, nn.BatchNorm2d)} == {0.1}


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
def test_far_less_is_kept(decoder):
    model, twin = _twins(decoder, "plain")
    image = torch.randn(1, 3, 128, 128)

    def kept(network):
        """Bytes that stay alive between the passes."""
        return saved_bytes(lambda: network(image))

    assert kept(twin) < 0.5 * kept(model)


def test_create_takes_it_as_an_option_that_the_configuration_does_not_keep():
    model = unetzoo.create("unet", encoder="resnet10t", activation_checkpointing=True)
    assert model.config == unetzoo.create("unet", encoder="resnet10t").config
    assert [block.checkpointing for block in model.decoder.modules() if isinstance(block, FuseBlock)] == [True] * 5


def test_an_encoder_that_cannot_says_so():
    with pytest.raises(unetzoo.OptionError, match="hrnet_w18_small says of activation_checkpointing: gradient"):
        unetzoo.create("unet", encoder="hrnet_w18_small", activation_checkpointing=True)


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_training_is_one_graph_for_a_compiler(decoder, checkpointing):
    torch.manual_seed(0)
    options = {"widths": (4, 8, 8)}
    model = unetzoo.create(decoder, encoder="plain", encoder_options=options, activation_checkpointing=checkpointing)
    twin = copy.deepcopy(model)
    image = torch.randn(2, 3, 32, 32)
    compiled = torch.compile(twin, fullgraph=True, backend="aot_eager")
    compiled(image).square().mean().backward()
    wanted = _gradients(model, image)
    for parameter, gradient in zip(twin.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)
