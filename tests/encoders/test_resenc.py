"""The residual encoder of nnU-Net."""

import pytest
import torch
from torch import nn

import unetzoo

SMALL = {"widths": [4, 8], "blocks": [1, 2], "strides": [1, [1, 2, 2]]}


def test_its_parameters_are_those_of_a_count_by_hand():
    encoder = unetzoo.create_encoder("resenc", in_channels=2, spatial_dims=3, options=SMALL)
    norm = {width: 2 * width for width in (4, 8)}
    stem = 27 * 2 * 4 + norm[4]
    first = 2 * (27 * 4 * 4 + norm[4])
    second = 27 * 4 * 8 + 27 * 8 * 8 + 2 * norm[8] + 4 * 8 + norm[8]  # with a projection
    third = 2 * (27 * 8 * 8 + norm[8])
    assert sum(weight.numel() for weight in encoder.parameters()) == stem + first + second + third


@pytest.mark.parametrize(("spatial_dims", "widest"), [(2, 512), (3, 320)])
def test_its_levels_are_those_of_nnunet(spatial_dims, widest):
    with torch.device("meta"):
        encoder = unetzoo.create_encoder("resenc", spatial_dims=spatial_dims)
    assert encoder.features.channels == (32, 64, 128, 256, widest, widest)
    assert encoder.features.reductions == (1, 2, 4, 8, 16, 32)
    assert [len(stage) for stage in encoder.stages] == [1, 3, 4, 6, 6, 6]


@torch.no_grad()
def test_a_block_is_two_convolutions_and_the_projected_mean_of_its_input():
    encoder = unetzoo.create_encoder("resenc", in_channels=2, spatial_dims=3, options=SMALL).eval()
    block = encoder.stages[1][0]
    image = torch.randn(2, 4, 6, 8, 10)
    relu = nn.LeakyReLU(0.01)

    def norm(features):
        axes = (2, 3, 4)
        return (features - features.mean(axes, keepdim=True)) / (
            features.var(axes, keepdim=True, correction=0) + 1e-5
        ).sqrt()

    first = relu(norm(nn.functional.conv3d(image, block.conv_in.weight, stride=(1, 2, 2), padding=1)))
    residual = norm(nn.functional.conv3d(first, block.conv_out.weight, padding=1))
    pooled = image.unfold(3, 2, 2).unfold(4, 2, 2).mean((-2, -1))
    projected = norm(torch.einsum("oi,bidhw->bodhw", block.shortcut[1].weight[:, :, 0, 0, 0], pooled))
    torch.testing.assert_close(block(image), relu(residual + projected), atol=1e-5, rtol=1e-5)


def test_fewer_levels_are_the_shallow_ones():
    encoder = unetzoo.create_encoder("resenc", options={"widths": [4, 8, 16], "blocks": [1, 1, 1], "depth": 2})
    assert encoder.features == unetzoo.FeatureInfo((4, 8), (1, 2))


@pytest.mark.parametrize(("options", "says"), [
    ({"widths": [4, 8]}, "one entry for each level"),
    ({"blocks": [0]}, "each of blocks must be a whole number >= 1"),
    ({"depth": 9}, "depth must be"),
])  # fmt: skip
def test_options_that_do_not_fit_are_refused(options, says):
    with pytest.raises(unetzoo.OptionError, match=says):
        unetzoo.create_encoder("resenc", options=options)


def test_it_has_no_pretrained_weights():
    with pytest.raises(unetzoo.PretrainedError, match="no pretrained weights"):
        unetzoo.create_encoder("resenc", pretrained=True)
