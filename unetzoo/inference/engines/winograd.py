"""3x3x3 convolutions for the CPU with half the multiplications: Winograd's F(4, 3) along depth (arXiv:1509.09308).

Four neighboring slices of the output of `conv(x, W)` are sums of six convolutions over height and width, of sums of six
slices of the input: `A [sum of (G W) * (B x)]`. These are 6 x 9 instead of 4 x 27 multiplications. Sums and
convolutions are those of a few slices at a time, so that they find their input in the processor's cache, and the inputs
of a decoder's convolution are concatenated only there.
"""

from collections.abc import Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn

from unetzoo.inference.engines.packed import PackedConv2d, can_pack
from unetzoo.layers.axes import AXES
from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv

_KERNELS = [  # G: six kernels over height and width from the three slices of a kernel
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
_INPUTS = [  # B: what these see of six slices of the input
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
_OUTPUTS = [  # A: four slices of the output from the six results
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]
_SLICES, _PRODUCTS = 4, 6
_BLOCK = 8  # slices of the output at a time
_LEAST_DEPTH = 3  # fewer slices take as many multiplications as without
_LEAST_WORK = {"AVX512": 32, "AVX2": 16}  # multiplications for each value of the maps; the first is not measured

Layer = nn.Conv3d | UpsampleConcatConv


def can_shorten(layer: nn.Module) -> TypeGuard[Layer]:
    """Whether a layer is a convolution for which half the multiplications are worth the sums, on this machine."""
    if not isinstance(layer, Layer) or not is_plain(layer, (nn.Conv3d, UpsampleConcatConv)):
        return False
    fits = layer.factor == 1 if isinstance(layer, UpsampleConcatConv) else _is_usual(layer)
    if not fits or tuple(layer.weight.shape[2:]) != (3, 3, 3):
        return False
    out, into = layer.weight.shape[:2]
    least = _LEAST_WORK.get(torch.backends.cpu.get_cpu_capability())
    is_worth_it = least is not None and out * into >= least * (out + into)
    return is_worth_it and layer.weight.dtype == torch.float32 and can_pack(_flat(layer.weight))


def _is_usual(layer: nn.Conv3d) -> bool:
    geometry = layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode
    return geometry == ((1, 1, 1), (1, 1, 1), (1, 1, 1), 1, "zeros")


def _flat(kernel: Tensor) -> nn.Conv2d:
    """The convolution over height and width by one slice (out, in, 3, 3), or the first one, of a kernel."""
    weight = kernel if kernel.ndim == 4 else kernel[:, :, 0]
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False, device="meta")
    layer.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    return layer


class WinogradConv3d(nn.Module):
    """A convolution for which `can_shorten` holds, of volumes in the order `torch.channels_last_3d`.

    Args:
        layer: what it computes.
        rectify: whether a ReLU follows.
    """

    kernel: Tensor
    bias: Tensor | None
    inputs: Tensor
    outputs: Tensor

    def __init__(self, layer: Layer, *, rectify: bool) -> None:
        super().__init__()
        self.rectify = rectify
        kernel = layer.weight.detach()
        kernels = torch.einsum("td,oidhw->toihw", kernel.new_tensor(_KERNELS, dtype=torch.float64), kernel.double())
        self.convolutions = nn.ModuleList(PackedConv2d(_flat(one), rectify=False) for one in kernels.to(kernel))
        inputs = kernel.new_zeros(_PRODUCTS, _BLOCK // _SLICES, _BLOCK + 2)
        outputs = kernel.new_zeros(_BLOCK, _PRODUCTS, _BLOCK // _SLICES)
        for group, first in enumerate(range(0, _BLOCK, _SLICES)):
            inputs[:, group, first : first + _PRODUCTS] = kernel.new_tensor(_INPUTS)
            outputs[first : first + _SLICES, :, group] = kernel.new_tensor(_OUTPUTS)
        bias = None if layer.bias is None else layer.bias.detach()
        for name, tensor in {"kernel": kernel, "bias": bias, "inputs": inputs, "outputs": outputs}.items():
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, features: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, d, h, w) for maps (b, in, d, h, w), whose channels follow each other."""
        batch, _, depth, height, width = features.shape
        if depth < _LEAST_DEPTH:
            joined = torch.cat([features, *skips], dim=1) if skips else features
            output = AXES[3].convolve(joined, self.kernel, self.bias, padding=1)
        else:
            maps = [one.permute(0, 2, 3, 4, 1) for one in (features, *skips)]
            last = features.new_empty(batch, depth, height, width, len(self.kernel))
            for image, first in ((image, first) for image in range(batch) for first in range(0, depth, _BLOCK)):
                self._convolve([one[image] for one in maps], first, last[image, first : first + _BLOCK])
            output = last.permute(0, 4, 1, 2, 3)
        return output.relu_() if self.rectify else output

    def _convolve(self, maps: Sequence[Tensor], first: int, output: Tensor) -> None:
        """Write slices of the output (s, h, w, out), from the given one on, for whole maps (d, h, w, in)."""
        slices, height, width, _ = output.shape
        groups = -(-slices // _SLICES)
        low, high = max(first - 1, 0), min(first + _BLOCK + 1, len(maps[0]))  # beyond the volume there are zeros
        seen = torch.cat([one[low:high] for one in maps], dim=3) if len(maps) > 1 else maps[0][low:high]
        inputs = self.inputs[:, :groups, low - first + 1 : high - first + 1].reshape(-1, high - low)
        summed = (inputs @ seen.reshape(high - low, -1)).view(_PRODUCTS, groups, height, width, -1)
        products = output.new_empty(_PRODUCTS, groups, *output.shape[1:])
        for product, convolution, planes in zip(products, self.convolutions, summed, strict=True):
            product.copy_(convolution(planes.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        outputs = self.outputs[:slices, :, :groups].reshape(slices, -1)
        torch.mm(outputs, products.view(_PRODUCTS * groups, -1), out=output.view(slices, -1))
        if self.bias is not None:
            output.add_(self.bias)
