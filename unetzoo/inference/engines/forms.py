"""The form in which other libraries compute the step "upsample, concatenate, convolve" (`layers.upsample`).

The plain form is what the name says. The transposed form has 16 instead of 36 multiplications a pixel for the upsampled
map, and one convolution for all skips together. Norms are folded and kernels are constants: a graph that makes the
kernels of transposed convolutions itself, or has a norm behind the sum of two convolutions, keeps these operations in
ONNX Runtime and OpenVINO, in float, even if the rest is in int8.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.inference.engines.fold import fold, rectify_again
from unetzoo.inference.engines.kept import KeptUpsampleConcatConv, can_keep
from unetzoo.layers.upsample import UpsampleConcatConv
from unetzoo.nn.segmenter import Segmenter


def in_form(model: Segmenter, image: Tensor, *, transposed: bool) -> Segmenter:
    """A copy of a network with folded norms and all its convolutions after upsampling in one form, if they can have it.

    Args:
        model: in evaluation mode.
        image: an example (b, c, h, w), to see which layer follows which.
        transposed: the form.
    """
    network = copy.deepcopy(model).requires_grad_(False)
    with torch.no_grad():
        layers = fold(network, image)
        rectify_again(network, layers)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, UpsampleConcatConv) and child in layers:  # a gated block does not call it
                setattr(parent, name, _transposed(child) if transposed and can_keep(child) else _Plain(child))
    return network


def _transposed(layer: UpsampleConcatConv) -> nn.Module:
    return KeptUpsampleConcatConv(layer, rectify=False, order=torch.contiguous_format)


class _Plain(nn.Module):
    """An `UpsampleConcatConv` that upsamples, concatenates and convolves."""

    def __init__(self, layer: UpsampleConcatConv) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        return self.layer.convolve(self.layer.concatenate(deep, skips))
