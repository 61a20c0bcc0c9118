import pytest
import torch
from torch import nn

from unetzoo.layers.block import BlockStyle
from unetzoo.layers.rsu import RSU


@pytest.mark.parametrize(("height", "flat"), [(7, False), (4, False), (4, True)])
@pytest.mark.parametrize("size", [(1, 1), (33, 70)])
def test_the_result_has_the_maps_size_whatever_it_is(height, flat, size):
    block = RSU(3, 4, 5, height, BlockStyle(), flat=flat).eval()
    assert block(torch.randn(1, 3, *size)).shape == (1, 5, *size)


def test_a_block_whose_last_convolution_gives_nothing_is_its_projection():
    block = RSU(3, 4, 5, 5, BlockStyle(norm="none"))
    nn.init.zeros_(block.up[0][0].weight)
    nn.init.zeros_(block.up[0][0].bias)
    features = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(block(features), block.project(features))


def test_the_flat_block_sees_as_far_as_its_dilations_say():
    """One pixel in, 1 + 2 + 4 + 8 down and 4 + 2 + 1 up, on every side."""
    block = RSU(1, 2, 1, 4, BlockStyle(norm="none", activation="silu"), flat=True).double()
    features = torch.randn(1, 1, 65, 65, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(features)[0, 0, 32, 32], features)
    assert (gradient[0, 0].nonzero() - 32).abs().max() == 1 + (1 + 2 + 4 + 8) + (4 + 2 + 1)
