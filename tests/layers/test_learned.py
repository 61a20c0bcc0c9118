"""A learned upsampling joined with the convolution after it, beside the two layers by themselves."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.utils._python_dispatch import TorchDispatchMode

from unetzoo.layers import BlockStyle, FuseBlock
from unetzoo.layers.learned import is_joined_faster, upsample_fuse
from unetzoo.layers.upsample import UpsampleConcatConv


class _Operations(TorchDispatchMode):
    """Counts the convolutions."""

    def __init__(self):
        super().__init__()
        self.transposed, self.kernels = 0, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.convolution.default:
            self.transposed += args[6]
            self.kernels.append(tuple(args[1].shape))
        return func(*args, **kwargs or {})


def _layers(factor, *, skips=(2,), bias=True, dtype=torch.float64):
    torch.manual_seed(0)
    up = nn.ConvTranspose3d(3, 2, factor, factor, bias=bias)
    return up.to(dtype), UpsampleConcatConv(2, skips, 2, factor=1, bias=bias, spatial_dims=3).to(dtype)


def _maps(factor, size=(5, 6, 7), *, skips=(2,), dtype=torch.float64):
    fine = [side * scale for side, scale in zip(size, factor, strict=True)]
    deep = torch.randn(2, 3, *size, dtype=dtype, requires_grad=True)
    return deep, [torch.randn(2, channels, *fine, dtype=dtype, requires_grad=True) for channels in skips]


def _two_steps(up, fuse, deep, skips):
    upsampled = F.conv_transpose3d(deep, up.weight, up.bias, stride=up.stride)
    return F.conv3d(torch.cat([upsampled, *skips], dim=1), fuse.weight, fuse.bias, padding=1)


@pytest.mark.parametrize("factor", [(2, 2, 2), (1, 2, 2), (2, 1, 4)])
@pytest.mark.parametrize("skips", [(), (2,), (1, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_two_steps(factor, skips, bias):
    up, fuse = _layers(factor, skips=skips, bias=bias)
    deep, fine = _maps(factor, skips=skips)
    with _Operations() as joined:
        actual = upsample_fuse(up, fuse, deep, fine)
    larger = tuple(one + 2 for one in factor)
    assert (3, 2, *larger) in joined.kernels
    expected = _two_steps(up, fuse, deep, fine)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
    weight = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64).view_as(expected)
    sources = [deep, *fine, *up.parameters(), *fuse.parameters()]
    gradients = [torch.autograd.grad((result * weight).sum(), sources) for result in (actual, expected)]
    for gradient, true in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, true, rtol=1e-10, atol=1e-10)


def test_multiplications_decide():
    # 64 channels become 32, as at the finest level of nnU-Net. A voxel of the result takes 64 * 32 + 27 * 32 * 32
    # multiplications in two steps and 8 * 64 * 32 in one, so one saves 13,312; the kernel of 4^3 takes
    # 64 * 27 * 64 * 32 * 32 of them, as much as 8,507 voxels save, which 1,063 voxels of the deep map become
    shapes = (64, 32, 2, 2, 2), (32, 64, 3, 3, 3)
    assert not is_joined_faster(*shapes, (1, 64, 1, 1, 1063))
    assert is_joined_faster(*shapes, (1, 64, 1, 1, 1064))
    assert is_joined_faster(*shapes, (2, 64, 1, 1, 532))
    # where the output is wider than the upsampled map, two steps always have fewer
    assert not is_joined_faster((512, 8, 2, 2, 2), (64, 16, 3, 3, 3), (1, 512, 512, 512, 512))


def test_a_block_of_volumes_joins_large_maps_and_keeps_its_weights():
    style = BlockStyle(upsample="transpose", spatial_dims=3)
    block = FuseBlock(8, [4], 4, factor=2, style=style)
    names = set(block.state_dict())
    assert {"up.weight", "up.bias", "fuse.weight"} <= names
    for side, kernel in ((2, (8, 4, 2, 2, 2)), (6, (8, 4, 4, 4, 4))):
        maps = torch.randn(1, 8, side, side, side), [torch.randn(1, 4, 2 * side, 2 * side, 2 * side)]
        with _Operations() as operations:
            block(*maps)
        assert kernel in operations.kernels
        assert operations.transposed == 1


@pytest.mark.parametrize("change", ["hook of the upsampling", "hook of the convolution", "images", "gate"])
def test_what_is_not_just_the_two_layers_is_not_joined(change):
    dims, factor = (2, (2, 2)) if change == "images" else (3, (2, 2, 2))
    attention = "scse" if change == "gate" else "none"
    style = BlockStyle(upsample="transpose", attention=attention, spatial_dims=dims)
    block = FuseBlock(8, [4], 4, factor=factor, style=style)
    calls = []
    if change.startswith("hook"):
        layer = block.up if change.endswith("upsampling") else block.fuse
        layer.register_forward_hook(lambda *_: calls.append(change))
    size = [8] * dims
    with _Operations() as operations:
        block(torch.randn(1, 8, *size), [torch.randn(1, 4, *(2 * side for side in size))])
    assert len(calls) == change.startswith("hook")
    assert (8, 4, *factor) in operations.kernels


def test_sums_of_weights_keep_their_precision_under_autocast():
    up, fuse = _layers((2, 2, 2), dtype=torch.float32)
    deep, skips = _maps((2, 2, 2), dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16), _Operations() as operations:
        low = upsample_fuse(up, fuse, deep, skips)
    assert (3, 2, 4, 4, 4) in operations.kernels
    assert low.dtype is torch.bfloat16
    exact = _two_steps(up, fuse, deep, skips)
    assert (low - exact).abs().max() < 2**-6 * exact.abs().max()


def test_the_order_of_memory_is_kept():
    up, fuse = _layers((2, 2, 2), dtype=torch.float32)
    deep, skips = _maps((2, 2, 2), dtype=torch.float32)
    order = torch.channels_last_3d
    last = upsample_fuse(
        up.to(memory_format=order),
        fuse.to(memory_format=order),
        deep.to(memory_format=order),
        [skip.to(memory_format=order) for skip in skips],
    )
    assert last.is_contiguous(memory_format=order)
    torch.testing.assert_close(last, _two_steps(up, fuse, deep, skips), rtol=1e-5, atol=1e-5)


def test_a_compiled_block_is_one_graph():
    style = BlockStyle(upsample="transpose", spatial_dims=3)
    block = FuseBlock(8, [4], 4, factor=2, style=style).eval()
    maps = torch.randn(1, 8, 6, 6, 6), [torch.randn(1, 4, 12, 12, 12)]
    compiled = torch.compile(block, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*maps), block(*maps), rtol=1e-4, atol=1e-5)
