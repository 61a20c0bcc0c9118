import pytest
import torch
from torch import nn

from unetzoo.errors import ShapeError
from unetzoo.layers.block import BlockStyle
from unetzoo.layers.pool import GridContext, PyramidPooling, mean_grid


class _Pool(nn.Module):
    """The only way to see what an exported graph computes is to export it."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, features):
        return mean_grid(features, self.size)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_an_exported_graph_pools_maps_of_any_size_as_torch_does(size):
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    program = torch.export.export(_Pool(size), (torch.randn(2, 5, 11, 14),), dynamic_shapes=(free,)).module()
    for shape in [(1, 5, 7, 13), (3, 5, 2, 5), (2, 5, 12, 6)]:
        features = torch.randn(shape)
        expected = nn.AdaptiveAvgPool2d(size)(features)
        torch.testing.assert_close(program(features), expected)
        torch.testing.assert_close(mean_grid(features, size), expected)


def test_a_context_of_the_whole_map_is_the_same_at_every_pixel():
    context = GridContext(4, 6, 1, BlockStyle()).eval()
    output = context(torch.randn(2, 4, 5, 7))
    assert output.shape == (2, 6, 5, 7)
    torch.testing.assert_close(output, output[..., :1, :1].expand_as(output))


def test_a_context_of_parts_differs_from_corner_to_corner_only_where_the_map_does():
    context = GridContext(1, 1, 2, BlockStyle(norm="none")).eval()
    nn.init.ones_(context.project[0].weight)
    nn.init.zeros_(context.project[0].bias)
    features = torch.zeros(1, 1, 8, 8)
    features[..., :4, :4] = 3
    output = context(features)
    assert (output[0, 0, 0, 0].item(), output[0, 0, 7, 7].item()) == (3, 0)


def test_a_single_image_cannot_train_batch_norm_and_the_error_says_what_to_do():
    context = GridContext(4, 6, 1, BlockStyle())
    with pytest.raises(ShapeError, match=r"at least two images, or create the decoder with decoder_options="):
        context(torch.randn(1, 4, 5, 7))
    assert context.eval()(torch.randn(1, 4, 5, 7)).shape == (1, 6, 5, 7)
    assert GridContext(4, 8, 1, BlockStyle(norm="group"))(torch.randn(2, 4, 5, 7)).shape == (2, 8, 5, 7)


def test_the_grid_of_one_part_can_be_without_a_norm():
    pooling = PyramidPooling(4, 2, (1, 3), BlockStyle(), norm_of_one=False)
    assert [type(context.project[1]) for context in pooling.contexts] == [nn.Identity, nn.BatchNorm2d]
    assert [tuple(context.shape) for context in pooling(torch.randn(1, 4, 5, 7))] == [(1, 2, 5, 7)] * 2
