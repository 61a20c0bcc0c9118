"""What both decoders must hold for every kind of pyramid."""

import pytest
import torch

import unetzoo
from unetzoo.decoders.unet import UNetDecoder
from unetzoo.decoders.unetpp import UNetPlusPlusDecoder

DECODERS = [UNetDecoder, UNetPlusPlusDecoder]
PYRAMIDS = [
    (1, 2, 4, 8, 16),
    (2, 4, 8, 16, 32),
    (4, 8, 16, 32),
    (1, 2, 4, 8, 16, 32),
    (8, 16, 32),
    (16, 32, 64),
    (4, 16),
    (1, 2),
]
VARIANTS = [
    {"norm": "group"},
    {"norm": "instance"},
    {"norm": "layer"},
    {"norm": "none", "upsample": "transpose"},
    {"upsample": "bilinear", "activation": "gelu"},
    {"attention": "scse", "activation": "silu"},
    {"dropout": 0.2, "activation": "prelu"},
]


def _features(info, requires_grad=False):
    height, width = info.reductions[-1] * 2, info.reductions[-1]
    sizes = [(height // reduction, width // reduction) for reduction in info.reductions]
    return [
        torch.randn(2, channels, *size, requires_grad=requires_grad)
        for channels, size in zip(info.channels, sizes, strict=True)
    ]


@pytest.mark.parametrize("reductions", PYRAMIDS, ids=str)
@pytest.mark.parametrize("decoder_class", DECODERS)
def test_the_output_is_at_full_resolution_and_every_level_and_weight_gets_gradient(decoder_class, reductions):
    info = unetzoo.FeatureInfo(tuple(8 + level for level in range(len(reductions))), reductions)
    decoder = decoder_class(info, widths=None)
    features = _features(info, requires_grad=True)
    (output,) = decoder(features)
    assert decoder.reductions == (1,)
    assert output.shape == (2, *decoder.out_channels, reductions[-1] * 2, reductions[-1])
    gradients = torch.autograd.grad(output.square().mean(), [*features, *decoder.parameters()])
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("decoder_class", DECODERS)
def test_every_option_works(decoder_class, options):
    info = unetzoo.FeatureInfo((8, 12, 16), (2, 4, 8))
    decoder = decoder_class(info, **options)
    (output,) = decoder(_features(info))
    output.square().mean().backward()
    assert output.shape == (2, 16, 16, 8)
    assert all(parameter.grad is not None for parameter in decoder.parameters())


@pytest.mark.parametrize("decoder_class", DECODERS)
def test_without_the_last_widths_the_decoder_ends_at_the_shallowest_level(decoder_class):
    info = unetzoo.FeatureInfo((8, 12, 16), (4, 8, 16))
    decoder = decoder_class(info, widths=[24, 20])
    (output,) = decoder(_features(info))
    assert (decoder.out_channels, decoder.reductions) == ((20,), (4,))
    assert output.shape == (2, 20, 8, 4)


def test_a_network_whose_decoder_ends_early_still_gives_logits_at_full_size():
    model = unetzoo.create("unet", encoder="convnext_atto", decoder_options={"widths": [32, 16, 8]})
    assert model(torch.randn(2, 3, 50, 70)).shape == (2, 1, 50, 70)
