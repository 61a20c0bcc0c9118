"""Upsample, concatenate, convolve: the step that every U-Net decoder repeats, without creating these maps.

A convolution is linear in its input channels, so the kernel `W = [Wx, Ws1, .., Wsn]` splits:
`conv(cat(up(x), s1, .., sn), W) = conv(up(x), Wx) + conv(s1, Ws1) + .. + conv(sn, Wsn)`. A 3x3 convolution after
nearest-neighbor upsampling by f equals, borders included, a transposed convolution with kernel f + 2, stride f and
padding 1: each of its taps is the sum of those of the 9 taps that fall on the same pixel of `x`. It takes (f + 2)^2
multiplications per pixel of `x` and pair of channels instead of 9 f^2: 16 instead of 36 for f = 2. Over the three axes
of volumes these are 64 instead of 216. Factors may differ by axis; along one with f = 1 the kernel is only mirrored.

A processor waits for multiplications and memory, a GPU with small maps for the start of each operation, of which the
split form has more, those that make the transposed kernel included. `is_plain_faster` holds the measured limits.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import ShapeError
from unetzoo.features import Factor, along_axes
from unetzoo.layers.axes import AXES, axes_of
from unetzoo.layers.graph import is_recorded, runs_at_once
from unetzoo.layers.resize import Mode, enlarge

_FEW_PIXELS = 256
_FEW_PIXELS_OF_GPU = {False: 2**16, True: 2**18}  # in inference and in training


class UpsampleConcatConv(nn.Module):
    """The 3x3 'same' convolution of a deep map, upsampled, concatenated with skips.

    Args:
        deep_channels: channels of the deep map.
        skip_channels: channels of each skip, in the order of concatenation after the deep map.
        out_channels: channels of the output.
        factor: resolution of the skips relative to the deep map, along all axes or along each.
        mode: `"nearest"` or `"bilinear"` (without aligned corners; trilinear for volumes).
        bias: add a bias; a norm that follows makes it superfluous.
        few_pixels: a batch of at most so many deep pixels is upsampled and concatenated; None: as many as
            `is_plain_faster` says for the device.
        spatial_dims: number of axes of the maps.

    The stored weight is that of the plain convolution, (out, deep + sum(skips), 3, 3), for both ways of computing.
    """

    def __init__(
        self,
        deep_channels: int,
        skip_channels: Sequence[int],
        out_channels: int,
        *,
        factor: Factor = 2,
        mode: Mode = "nearest",
        bias: bool = True,
        few_pixels: int | None = None,
        spatial_dims: int = 2,
    ) -> None:
        super().__init__()
        self.few_pixels = few_pixels
        self.splits = (deep_channels, *skip_channels)
        self.factor = factor
        self.mode = mode
        convolution = AXES[spatial_dims].conv(sum(self.splits), out_channels, 3, padding=1, bias=bias)
        self.weight = convolution.weight
        self.bias = convolution.bias

    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        if len(skips) != len(self.splits) - 1:
            raise ShapeError(f"this block takes {len(self.splits) - 1} skips, got {len(skips)}")
        if self._takes_plain_form(deep):
            return self.convolve(self.concatenate(deep, skips))
        deep_kernel, *_ = self.kernels()
        return self.add_skips(upsample_conv(deep, deep_kernel, self.bias, self.factor, self.mode), skips)

    def kernels(self) -> Sequence[Tensor]:
        """The part of the weight for the deep map, and that for each skip."""
        return torch.split(self.weight, list(self.splits), dim=1)

    def add_skips(self, result: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Add the convolution of each skip, in place, to that of the upsampled map."""
        _, *kernels = self.kernels()
        for skip, kernel in zip(skips, kernels, strict=True):
            result += axes_of(skip).convolve(skip, kernel, padding=1)
        return result

    def concatenate(self, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """The deep map at the resolution of the skips, before their channels."""
        deep = enlarge(deep, self.factor, self.mode)
        return torch.cat([deep, *skips], dim=1) if skips else deep

    def convolve(self, concatenated: Tensor) -> Tensor:
        """The convolution of an upsampled and concatenated map."""
        return axes_of(concatenated).convolve(concatenated, self.weight, self.bias, padding=1)

    def _takes_plain_form(self, deep: Tensor) -> bool:
        """Whether to upsample and concatenate; a compiled or exported graph takes one form for maps of any size."""
        device, pixels = deep.device.type, None
        if not (torch.compiler.is_compiling() or is_recorded()):
            pixels = deep.shape[0] * prod(deep.shape[2:])
        if self.few_pixels is not None:
            return pixels is not None and pixels <= self.few_pixels
        transposed = self.factor != 1 and self.mode == "nearest"
        return is_plain_faster(device, pixels, transposed=transposed, trains=torch.is_grad_enabled())

    def extra_repr(self) -> str:
        """The layer's options, for its printed form."""
        return f"{'+'.join(map(str, self.splits))} -> {self.weight.shape[0]}, factor={self.factor}, mode={self.mode!r}"


def is_plain_faster(device: str, pixels: int | None, *, transposed: bool, trains: bool) -> bool:
    """Whether upsampling and concatenation are faster than a convolution split by its inputs.

    On two cores (`python -m benchmarks.upsampling`) the forms break even between 12 x 12 and 20 x 20 pixels for a
    factor of 2, in inference and in training. On an H200, in bfloat16, the split form takes less of the GPU's time at
    every level of a U-Net, but small maps wait for the start of operations, of which the plain form has fewer (stages
    "levels", "inference" and "training" of `benchmarks/gpu.sh`). Compiled networks start them fast, so that they take
    the split form.

    Args:
        device: type of the device; other accelerators count as GPUs, and `"meta"`, which computes nothing, as a CPU.
        pixels: pixels of the deep map, times images; None: any number.
        transposed: whether the deep map is upsampled by a whole factor to its nearest pixels.
        trains: whether gradients are recorded: twice as many operations.
    """
    if device in ("cpu", "meta"):
        return pixels is not None and pixels <= _FEW_PIXELS
    return not transposed or (pixels is not None and pixels <= _FEW_PIXELS_OF_GPU[trains])


def upsample_conv(deep: Tensor, kernel: Tensor, bias: Tensor | None, factor: Factor, mode: Mode) -> Tensor:
    """The 3x3 'same' convolution (b, out, factor * h, factor * w) of `deep` (b, deep, h, w), upsampled.

    Volumes likewise have a kernel of 3x3x3.

    Args:
        deep: the map to upsample.
        kernel: (out, deep, 3, 3), or (out, deep, 3, 3, 3), of the plain convolution.
        bias: (out,) or None.
        factor: whole factor of upsampling, along all axes or along each.
        mode: interpolation.
    """
    axes = axes_of(deep)
    if factor != 1 and mode == "nearest":
        return axes.convolve_transposed(deep, transposed_kernel(kernel, factor), bias, stride=factor, padding=1)
    return axes.convolve(enlarge(deep, factor, mode), kernel, bias, padding=1)


def transposed_kernel(kernel: Tensor, factor: Factor = 2) -> Tensor:
    """The kernel (deep, out, f + 2, f + 2) of the transposed convolution that equals nearest upsampling, then `kernel`.

    `K[c, o, k, l] = sum_ab M[k, a] M[l, b] W[o, c, a, b]`, where the (f + 2) x 3 matrix M maps tap a of the convolution
    to the taps k of the transposed one; K is linear in W (out, deep, 3, 3), so gradients reach W. A third axis has an M
    of its own; where factors differ by axis, so do the M.
    """
    out, deep = kernel.shape[:2]
    factors = along_axes(factor, kernel.ndim - 2)
    with exact(kernel):
        flat = kernel.reshape(out * deep, 3 ** len(factors)) @ _taps(kernel, tuple(factors))
    return flat.view(out, deep, *(number + 2 for number in factors)).transpose(0, 1)


_TAPS: dict[tuple[tuple[int, ...], torch.dtype, torch.device], Tensor] = {}


def _taps(like: Tensor, factors: tuple[int, ...]) -> Tensor:
    """M for all axes at once, (3^n, (f + 2) multiplied over the axes); made once for each dtype and device."""
    if not runs_at_once(like):
        return _make_taps(factors, like.dtype, like.device)
    key = (factors, like.dtype, like.device)
    if key not in _TAPS:
        with torch.inference_mode(mode=False):
            taps = _make_taps(factors, like.dtype, torch.device("cpu"))
            _TAPS[key] = taps.to(like.device)  # which waits, so that every stream of a GPU may read it
    return _TAPS[key]


def _make_taps(factors: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    by_factor = {factor: _taps_of_axis(factor, dtype, device) for factor in factors}
    return reduce(_product, (by_factor[factor] for factor in factors))


def _taps_of_axis(factor: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """M of one axis, (3, f + 2): row a has ones from column 2 - a to f + 1 - a."""
    row = F.pad(torch.ones(factor, dtype=dtype, device=device), (2, 2))
    return row.unfold(0, factor + 2, 1)


def _product(table: Tensor, of_axis: Tensor) -> Tensor:
    """The Kronecker product of two tables."""
    return (table[:, None, :, None] * of_axis[None, :, None, :]).reshape(table.shape[0] * of_axis.shape[0], -1)


def exact(weights: Tensor) -> AbstractContextManager[object]:
    """A context without autocast: sums of weights keep the weights' precision."""
    return nullcontext() if weights.is_meta else torch.autocast(weights.device.type, enabled=False)
