"""The encoder of MedNeXt."""

import warnings

import pytest
import torch

import unetzoo

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    from monai.networks.nets.mednext import MedNeXt, create_mednext

PARTS = ("stem", "enc_stages", "down_blocks", "bottleneck")  # of MONAI's, before its decoder


def _own_weights(encoder):
    """In MONAI's order: the convolutions between levels come after all blocks of levels but the deepest."""
    stages = list(encoder.stages)
    blocks = [stages[0], *(stage[1:] for stage in stages[1:])]
    modules = [encoder.stem, *blocks[:-1], *(stage[0] for stage in stages[1:]), blocks[-1]]
    return [weight for module in modules for weight in module.parameters()]


def _weights_of_monai(network):
    return [weight for part in PARTS for weight in getattr(network, part).parameters()]


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("size", ["S", "B", "M", "L"])
def test_its_parameters_are_those_of_monais(size, kernel_size, spatial_dims):
    with torch.device("meta"):
        options = {"size": size, "kernel_size": kernel_size}
        ours = unetzoo.create_encoder("mednext", in_channels=2, spatial_dims=spatial_dims, options=options)
        theirs = create_mednext(size, spatial_dims, in_channels=2, kernel_size=kernel_size)
    assert [weight.shape for weight in _own_weights(ours)] == [weight.shape for weight in _weights_of_monai(theirs)]
    assert ours.features.channels == (32, 64, 128, 256, 512)
    assert ours.features.reductions == (1, 2, 4, 8, 16)


@pytest.mark.parametrize(("spatial_dims", "kernel_size"), [(2, 5), (3, 3)])
@torch.no_grad()
def test_its_levels_are_those_of_monais_with_the_same_weights(spatial_dims, kernel_size):
    options = {"size": "B", "width": 4, "kernel_size": kernel_size}
    ours = unetzoo.create_encoder("mednext", in_channels=2, spatial_dims=spatial_dims, options=options).eval()
    ratios = {"encoder_expansion_ratio": (2, 3, 4, 4), "bottleneck_expansion_ratio": 4}
    theirs = MedNeXt(
        spatial_dims, 4, in_channels=2, kernel_size=kernel_size, use_residual_connection=True, **ratios
    ).eval()
    for own, weight in zip(_own_weights(ours), _weights_of_monai(theirs), strict=True):
        own.copy_(weight.normal_(std=0.3))
    image = torch.randn(2, 2, *(16, 32, 48)[:spatial_dims])
    expected, features = [], theirs.stem(image)
    for stage, down in zip(theirs.enc_stages, theirs.down_blocks, strict=True):
        expected.append(stage(features))
        features = down(expected[-1])
    expected.append(theirs.bottleneck(features))
    for level, other in zip(ours(image), expected, strict=True):
        torch.testing.assert_close(level, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("spatial_dims", [2, 3])
@torch.no_grad()
def test_a_network_with_kernels_of_5_begins_with_the_resampled_kernels_of_one_with_3(spatial_dims):
    small, large = (
        unetzoo.create(
            "unet",
            encoder="mednext",
            spatial_dims=spatial_dims,
            encoder_options={"width": 4, "depth": 2, "kernel_size": side},
        )
        for side in (3, 5)
    )
    inheritance = unetzoo.inherit(large, small, class_names=("vessel",))
    kernels = [name for name, weight in small.encoder.named_parameters() if "depthwise.weight" in name]
    assert set(inheritance.adapted) == {f"encoder.{name}" for name in kernels}
    weights, resampled = (dict(model.encoder.named_parameters()) for model in (small, large))
    share = torch.tensor([[1, 0, 0], [0.6, 0.4, 0], [0, 1, 0], [0, 0.4, 0.6], [0, 0, 1]])  # linear, at pixel centers
    for name, weight in weights.items():
        expected = weight
        if name in kernels:
            for axis in range(2, weight.ndim):
                expected = torch.tensordot(expected, share, ([axis], [1])).movedim(-1, axis)
        torch.testing.assert_close(resampled[name], expected)
    for own, other in zip(large.decoder.parameters(), small.decoder.parameters(), strict=True):
        assert torch.equal(own, other)


def test_strides_may_differ_by_axis():
    options = {"width": 2, "strides": [1, [1, 2, 2], 2, 2, 2], "depth": 3}
    encoder = unetzoo.create_encoder("mednext", spatial_dims=3, options=options)
    assert encoder.features.axis_reductions == ((1, 1, 1), (1, 2, 2), (2, 4, 4))
    assert [level.shape[2:] for level in encoder(torch.randn(1, 3, 6, 8, 12))] == [(6, 8, 12), (6, 4, 6), (3, 2, 3)]


@pytest.mark.parametrize(("options", "says"), [
    ({"size": "XL"}, "size must be one of S, B, M, L; got 'XL'"),
    ({"kernel_size": 4}, "must be odd"),
    ({"strides": [2, 2, 2, 2, 2]}, "the first of strides must be 1"),
    ({"width": 0}, "width must be"),
])  # fmt: skip
def test_options_that_do_not_fit_are_refused(options, says):
    with pytest.raises(unetzoo.OptionError, match=says):
        unetzoo.create_encoder("mednext", options=options)


def test_it_has_no_pretrained_weights():
    with pytest.raises(unetzoo.PretrainedError, match="no pretrained weights"):
        unetzoo.create_encoder("mednext", pretrained=True)
