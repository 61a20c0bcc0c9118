"""Backbones that keep biases of attention for evaluation compute with the weights that they have now."""

import copy

import pytest
import torch

import unetzoo

NAMES = {
    "levit_128s": 256,
    "tiny_vit_5m_224": 224,
    "efficientformer_l1": 224,
    "efficientformerv2_s0": 224,
    "efficientvit_m0": 224,
}


@pytest.fixture(params=NAMES)
def case(request):
    """An encoder in evaluation mode, and an image."""
    torch.manual_seed(0)
    side = NAMES[request.param]
    encoder = unetzoo.create_encoder(request.param, options={"img_size": (side, side)}).eval()
    return encoder, torch.randn(1, 3, side, side)


def _sum(encoder, image):
    return sum(level.square().mean() for level in encoder(image))


def test_other_weights_give_other_features_and_each_step_its_own_gradients(case):
    encoder, image = case
    twin = copy.deepcopy(encoder)
    _sum(encoder, image).backward()
    with torch.no_grad():
        for name, biases in encoder.named_parameters():
            if name.endswith("attention_biases"):
                biases.normal_()
                twin.get_parameter(name).copy_(biases)
    encoder.zero_grad()
    value, expected = _sum(encoder, image), _sum(twin, image)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    value.backward()
    expected.backward()
    for name, weight in encoder.named_parameters():
        gradient = twin.get_parameter(name).grad
        assert gradient is None or torch.allclose(weight.grad, gradient, rtol=1e-3, atol=1e-5), name


def test_a_network_that_was_called_is_copied(case):
    encoder, image = case
    levels = encoder(image)
    for level, again in zip(levels, copy.deepcopy(encoder)(image), strict=True):
        torch.testing.assert_close(again, level)


def test_a_wrong_size_is_one_error_after_a_call_with_gradients():
    encoder = unetzoo.create_encoder("levit_128s").eval()
    with pytest.raises(unetzoo.ShapeError, match="64 x 64"):
        encoder(torch.zeros(1, 3, 64, 64))
