import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.resize import PixelLinear, enlarge, mix_resized


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_mixing_is_the_convolution_of_the_resized_and_concatenated_maps(level, bias):
    convolution = nn.Conv2d(12, 5, 1, bias=bias).double()
    maps = [torch.randn(2, 4, 3 * by, 5 * by, dtype=torch.float64) for by in (1, 2, 4)]
    size = maps[level].shape[2:]
    resized = [F.interpolate(features, size=size, mode="bilinear") for features in maps]
    maps = [*maps[: level + 1], *resized[level + 1 :]]  # finer ones come resized
    torch.testing.assert_close(mix_resized(maps, convolution, level), convolution(torch.cat(resized, dim=1)))


def test_aligned_corners_keep_their_values():
    features = torch.randn(1, 2, 3, 4)
    corners = (slice(None), slice(None), [0, 0, -1, -1], [0, -1, 0, -1])
    torch.testing.assert_close(enlarge(features, 4, align_corners=True)[corners], features[corners])


def test_nearest_enlargement_repeats_pixels_and_a_factor_of_one_changes_nothing():
    features = torch.randn(1, 2, 3, 4)
    expected = features.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    assert torch.equal(enlarge(features, 3, "nearest", align_corners=True), expected)
    assert enlarge(features, 1) is features


def test_a_pixel_linear_layer_is_torchs_linear_layer_of_each_pixels_channels():
    layer, features = PixelLinear(4, 6), torch.randn(2, 4, 3, 5)
    expected = F.linear(features.permute(0, 2, 3, 1), layer.weight, layer.bias).permute(0, 3, 1, 2)
    torch.testing.assert_close(layer(features), expected)
