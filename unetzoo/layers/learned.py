"""A learned upsampling and the convolution after it in one step, without creating the upsampled map.

A transposed convolution with kernel and stride f, and a 3x3x3 'same' convolution after it, are linear and have no norm
between them. So they equal one transposed convolution with kernel f + 2, stride f and padding 1, borders included. Its
kernel is the convolution of the first kernel, extended by zeros, with the second: `K = conv(U, W)`. For f = 2 and half
as many channels at each finer level it takes 8 taps of 2 C inputs for each of C outputs instead of 27 taps of C, and
the upsampled map is neither created nor kept for the backward pass.

The bias of the upsampling reaches fewer taps at the borders, so that its part is a small convolution by itself.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from unetzoo.layers.axes import axes_of
from unetzoo.layers.graph import is_recorded
from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv, exact

_TAPS = 3  # of the convolution, along each axis


def upsample_fuse(up: nn.Module, fuse: nn.Module, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
    """`fuse(up(deep), skips)`, joined where that is faster.

    Args:
        up: a transposed convolution whose kernel is as large as its stride, or any other layer.
        fuse: the convolution after it, of a map that has the resolution of the skips.
        deep: (b, deep, d, h, w), or (b, deep, h, w), which is never joined.
        skips: maps with the resolution of the output.
    """
    if isinstance(up, nn.ConvTranspose3d) and isinstance(fuse, UpsampleConcatConv) and _can_join(up, fuse, deep):
        kernel, *_ = fuse.kernels()
        return fuse.add_skips(_joined(up, kernel, fuse.bias, deep), skips)
    fused: Tensor = fuse(up(deep), skips)
    return fused


def is_joined_faster(upsampling: Sequence[int], convolution: Sequence[int], deep: Sequence[int]) -> bool:
    """Whether one step has fewer multiplications than two, those that make its kernel included.

    Multiplications stand for seconds; `python -m benchmarks.volumes` times whole networks.

    Args:
        upsampling: shape of the kernel of the transposed convolution, (deep, channels, f, f, f).
        convolution: shape of the kernel of the convolution after it, (out, channels and more, 3, 3, 3).
        deep: shape of the map, (b, deep, d, h, w).
    """
    inputs, channels, *factors = upsampling
    outputs = convolution[0]
    taps, larger = _TAPS ** len(factors), prod(factor + _TAPS - 1 for factor in factors)
    two_steps = prod(factors) * channels * (inputs + taps * outputs)
    saved: int = two_steps - larger * inputs * outputs
    of_kernel: int = larger * taps * inputs * channels * outputs
    return deep[0] * prod(deep[2:]) * saved > of_kernel


def _can_join(up: nn.ConvTranspose3d, fuse: UpsampleConcatConv, deep: Tensor) -> bool:
    """Whether one step gives the same and is faster.

    Only volumes on a processor were measured; a compiled or exported graph has two steps for maps of any size.
    """
    if torch.compiler.is_compiling() or is_recorded() or deep.device.type != "cpu":
        return False
    if not (is_plain(up, (nn.ConvTranspose3d,)) and is_plain(fuse, (UpsampleConcatConv,))):
        return False
    return is_joined_faster(up.weight.shape, fuse.weight.shape, deep.shape)


def _joined(up: nn.ConvTranspose3d, kernel: Tensor, bias: Tensor | None, deep: Tensor) -> Tensor:
    """The convolution with a kernel (out, channels, 3, 3, 3) of the upsampled map."""
    axes = axes_of(deep)
    with exact(kernel):
        joined = axes.convolve(up.weight, kernel, padding=_TAPS - 1)
    result = axes.convolve_transposed(deep, joined, bias, stride=up.stride, padding=1)
    if up.bias is not None:
        with exact(kernel):
            of_bias = torch.einsum("oi...,i->o...", kernel, up.bias).unsqueeze(1)
        ones = result.new_ones(1, 1, *result.shape[2:])
        result += axes.convolve(ones, of_bias, padding=1)
    return result
