"""Convolutions after upsampling whose kernels are made once, where no library reorders them for the device."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.layers.axes import axes_of
from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv, transposed_kernel


def can_keep(layer: UpsampleConcatConv) -> bool:
    """Whether a layer makes a kernel at each call."""
    return is_plain(layer, (UpsampleConcatConv,)) and layer.mode == "nearest" and layer.factor != 1


class KeptUpsampleConcatConv(nn.Module):
    """An `UpsampleConcatConv` for which `can_keep` holds, in at most five operations with kernels that are kept.

    Args:
        layer: what it computes.
        rectify: whether a ReLU follows.
        order: the memory order of its kernels.
    """

    deep_kernel: Tensor
    skip_kernel: Tensor
    bias: Tensor | None

    def __init__(self, layer: UpsampleConcatConv, *, rectify: bool, order: torch.memory_format) -> None:
        super().__init__()
        deep, skips = layer.weight.detach().tensor_split([layer.splits[0]], dim=1)
        self.factor, self.rectify = layer.factor, rectify
        kernels = {"deep_kernel": transposed_kernel(deep, layer.factor), "skip_kernel": skips}
        for name, kernel in kernels.items():
            self.register_buffer(name, kernel.clone(memory_format=order), persistent=False)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach(), persistent=False)

    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        axes = axes_of(deep)
        output = axes.convolve_transposed(deep, self.deep_kernel, self.bias, stride=self.factor, padding=1)
        if skips:
            joined = torch.cat(list(skips), dim=1) if len(skips) > 1 else skips[0]
            output += axes.convolve(joined, self.skip_kernel, padding=1)
        return output.relu_() if self.rectify else output
