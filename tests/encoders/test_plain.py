import pytest
import torch

import unetzoo
from unetzoo.encoders.plain import PlainEncoder


def test_its_levels_halve_the_resolution_from_the_full_one():
    encoder = PlainEncoder(in_channels=2)
    assert encoder.features == unetzoo.FeatureInfo((32, 64, 128, 256, 512), (1, 2, 4, 8, 16))
    assert [tuple(level.shape) for level in encoder(torch.randn(1, 2, 32, 48))] == [
        (1, 32 * 2**level, 32 // 2**level, 48 // 2**level) for level in range(5)
    ]


def test_widths_and_depth():
    assert PlainEncoder(widths=(5, 7, 9), depth=2).features == unetzoo.FeatureInfo((5, 7), (1, 2))


def test_without_norm_the_convolutions_have_biases_and_its_parameters_are_the_papers():
    encoder = PlainEncoder(in_channels=1, widths=(64, 128), norm="none")
    expected = (9 * 64 + 64) + (9 * 64 * 64 + 64) + (9 * 64 * 128 + 128) + (9 * 128 * 128 + 128)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
def test_padding_that_continues_a_constant_image_leaves_no_border(padding):
    torch.manual_seed(0)
    features = PlainEncoder(padding=padding, widths=(8,), norm="none")(torch.ones(1, 3, 8, 8))[0]
    torch.testing.assert_close(features, features[:, :, :1, :1].expand_as(features))


def test_padding_with_zeros_is_seen_at_the_border():
    torch.manual_seed(0)
    features = PlainEncoder(widths=(8,), norm="none")(torch.ones(1, 3, 8, 8))[0]
    assert (features - features[:, :, 4:5, 4:5]).abs().amax() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "same"}, "padding must be one of zeros, reflect, replicate, circular, valid; got 'same'"),
        ({"norm": "batchnorm"}, "norm must be one of batch, .*; got 'batchnorm'"),
        ({"widths": (8, 0)}, "each of widths must be a whole number >= 1, got 0"),
        ({"depth": 9}, "depth must be a whole number from 1 to 5, the levels of this encoder; got 9"),
    ],
)
def test_an_option_outside_its_values_is_refused(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        PlainEncoder(**options)


def test_it_has_no_pretrained_weights():
    with pytest.raises(unetzoo.PretrainedError, match="the encoder 'plain' has no pretrained weights"):
        unetzoo.create("unet", encoder="plain", pretrained=True)
