"""Convolutions for the CPU whose weights oneDNN brings into its own order once, instead of at every call.

The operations are those that torch's own compiler emits when it freezes a network. They take the ReLU that follows, and
add to a map in place, so that neither is a pass over memory of its own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unetzoo.layers.upsample import UpsampleConcatConv, transposed_kernel


def can_pack(layer: nn.Conv2d | UpsampleConcatConv) -> bool:
    """Whether a layer is a convolution that oneDNN can prepare on this machine, and gains by it.

    One of 1x1 does not: its weight is a matrix as it is, and oneDNN, which does not know the map's size when it
    prepares, often chooses an order that is far slower (`unetzoo bench speed --encoder efficientnet_b0` shows it).
    """
    ours = isinstance(layer, UpsampleConcatConv) and layer.mode == "nearest"
    plain = type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    is_matrix = layer.weight.shape[2:] == (1, 1)
    return (
        (ours or plain) and not is_matrix and layer.weight.device.type == "cpu" and _onednn_computes(layer.weight.dtype)
    )


def _onednn_computes(dtype: torch.dtype) -> bool:
    operations = torch.ops.mkldnn
    if not (torch._C._has_mkldnn and hasattr(operations, "_convolution_pointwise")):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(operations._is_mkldnn_bf16_supported()))


def packed(layer: nn.Conv2d | UpsampleConcatConv, *, rectify: bool) -> nn.Module:
    """The prepared form of a layer for which `can_pack` holds, followed by a ReLU where `rectify` says so."""
    if isinstance(layer, UpsampleConcatConv):
        return PackedUpsampleConcatConv(layer, rectify=rectify)
    return PackedConv2d(layer, rectify=rectify)


class PackedConv2d(nn.Module):
    """A prepared convolution.

    Args:
        convolution: what it computes.
        rectify: whether a ReLU follows.
    """

    def __init__(self, convolution: nn.Conv2d, *, rectify: bool) -> None:
        super().__init__()
        self.stride, self.dilation = list(convolution.stride), list(convolution.dilation)
        self.padding, self.groups = [int(side) for side in convolution.padding], convolution.groups
        self.rectify = rectify
        order = torch.ops.mkldnn._reorder_convolution_weight
        weight = order(convolution.weight.detach(), self.padding, self.stride, self.dilation, self.groups)
        self.register_buffer("weight", weight, persistent=False)
        bias = None if convolution.bias is None else convolution.bias.detach()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """The convolution (b, out, h', w') of a map (b, in, h, w)."""
        after = "relu" if self.rectify else "none"
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        made: Tensor = torch.ops.mkldnn._convolution_pointwise(
            features, self.weight, self.bias, *geometry, after, [], ""
        )
        return made


class PackedUpsampleConcatConv(nn.Module):
    """A prepared `UpsampleConcatConv`: each skip's convolution is added in place, and the last one rectifies.

    Args:
        layer: what it computes; nearest upsampling.
        rectify: whether a ReLU follows.
    """

    def __init__(self, layer: UpsampleConcatConv, *, rectify: bool) -> None:
        super().__init__()
        deep, *skips = torch.split(layer.weight.detach(), list(layer.splits), dim=1)
        self.factor = layer.factor
        if self.factor > 1:
            order = torch.ops.mkldnn._reorder_convolution_transpose_weight
            kernel = transposed_kernel(deep, self.factor).contiguous()
            ready = order(kernel, [1, 1], [0, 0], [self.factor, self.factor], [1, 1], 1)
        else:
            ready = _ordered(deep)
        self.register_buffer("deep_weight", ready, persistent=False)
        for index, skip in enumerate(skips):
            self.register_buffer(f"skip_weight_{index}", _ordered(skip), persistent=False)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach(), persistent=False)
        self.rectify = rectify

    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        made = self._upsampled(deep, "relu" if self.rectify and not skips else "none")
        for index, skip in enumerate(skips):
            last = self.rectify and index == len(skips) - 1
            weight = getattr(self, f"skip_weight_{index}")
            geometry = ([1, 1], [1, 1], [1, 1], 1)
            made = torch.ops.mkldnn._convolution_pointwise_.binary(
                made, skip, weight, None, *geometry, "add", 1.0, "relu" if last else None, [], None
            )
        return made

    def _upsampled(self, deep: Tensor, after: str) -> Tensor:
        made: Tensor
        if self.factor > 1:
            stride = [self.factor, self.factor]
            made = torch.ops.mkldnn._convolution_transpose_pointwise(
                deep, self.deep_weight, self.bias, [1, 1], [0, 0], stride, [1, 1], 1, after, [], ""
            )
        else:
            made = torch.ops.mkldnn._convolution_pointwise(
                deep, self.deep_weight, self.bias, [1, 1], [1, 1], [1, 1], 1, after, [], ""
            )
        return made


def _ordered(kernel: Tensor) -> Tensor:
    ordered: Tensor = torch.ops.mkldnn._reorder_convolution_weight(kernel.contiguous(), [1, 1], [1, 1], [1, 1], 1)
    return ordered
