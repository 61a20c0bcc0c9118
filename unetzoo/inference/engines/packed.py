"""Convolutions for the CPU whose weights oneDNN reorders once, instead of at every call.

The fastest order depends on the map size and on the processor; a convolution takes up to ten times as long in the order
of another size. So weights are reordered at the first call with maps of a size, and again when the size changes, which
costs no more than an unprepared convolution.

The operations are those that torch's compiler emits when it freezes a network. They include the ReLU that follows, and
add to a map in place, so that neither needs another pass over memory.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.features import along_axes
from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv, transposed_kernel

_AXES = 4  # of kernels over images


def can_pack(layer: nn.Conv2d | UpsampleConcatConv) -> bool:
    """Whether a layer is a convolution that oneDNN can prepare on this machine, with a gain.

    A 1x1 convolution has none: its weight is already a matrix, and oneDNN, which does not know the map size when it
    prepares, often chooses an order that is far slower (`unetzoo bench speed --encoder efficientnet_b0` shows it).
    """
    if isinstance(layer, UpsampleConcatConv):
        is_supported = layer.mode == "nearest" and layer.weight.ndim == _AXES
    else:
        is_supported = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    is_matrix = layer.weight.shape[2:] == (1, 1)
    return (
        is_supported
        and is_plain(layer, (nn.Conv2d, UpsampleConcatConv))
        and not is_matrix
        and layer.weight.device.type == "cpu"
        and onednn_computes(layer.weight.dtype)
    )


def onednn_computes(dtype: torch.dtype) -> bool:
    """Whether oneDNN computes in a dtype on this machine, as fast as in float32 or faster."""
    operations = torch.ops.mkldnn
    if not (torch._C._has_mkldnn and hasattr(operations, "_convolution_pointwise")):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(operations._is_mkldnn_bf16_supported()))


def packed(layer: nn.Conv2d | UpsampleConcatConv, *, rectify: bool) -> nn.Module:
    """The prepared form of a layer for which `can_pack` holds, with a ReLU after it if `rectify`."""
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
        self.weight = _Ordered(convolution.weight.detach(), self._order)
        bias = None if convolution.bias is None else convolution.bias.detach()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """The convolution (b, out, h', w') of a map (b, in, h, w)."""
        after = "relu" if self.rectify else "none"
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        output: Tensor = torch.ops.mkldnn._convolution_pointwise(
            features, self.weight(features), self.bias, *geometry, after, [], ""
        )
        return output

    def _order(self, kernel: Tensor, size: list[int]) -> Tensor:
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        ordered: Tensor = torch.ops.mkldnn._reorder_convolution_weight(kernel, *geometry, size)
        return ordered


class PackedUpsampleConcatConv(nn.Module):
    """A prepared `UpsampleConcatConv`: each skip's convolution is added in place, and the last one rectifies.

    Args:
        layer: what it computes; nearest upsampling.
        rectify: whether a ReLU follows.
    """

    def __init__(self, layer: UpsampleConcatConv, *, rectify: bool) -> None:
        super().__init__()
        deep, *skips = torch.split(layer.weight.detach(), list(layer.splits), dim=1)
        self.factor, self.stride = layer.factor, list(along_axes(layer.factor, 2))
        kernel = transposed_kernel(deep, layer.factor) if self.factor != 1 else deep
        self.deep_weight = _Ordered(kernel, self._order_transposed if self.factor != 1 else _order)
        self.skip_weights = nn.ModuleList(_Ordered(skip, _order) for skip in skips)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach(), persistent=False)
        self.rectify = rectify

    def forward(self, deep: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        output = self._upsampled(deep, "relu" if self.rectify and not skips else "none")
        for index, (skip, weight) in enumerate(zip(skips, self.skip_weights, strict=True)):
            last = self.rectify and index == len(skips) - 1
            geometry = ([1, 1], [1, 1], [1, 1], 1)
            output = torch.ops.mkldnn._convolution_pointwise_.binary(
                output, skip, weight(skip), None, *geometry, "add", 1.0, "relu" if last else None, [], None
            )
        return output

    def _upsampled(self, deep: Tensor, after: str) -> Tensor:
        output: Tensor
        if self.factor != 1:
            output = torch.ops.mkldnn._convolution_transpose_pointwise(
                deep, self.deep_weight(deep), self.bias, [1, 1], [0, 0], self.stride, [1, 1], 1, after, [], ""
            )
        else:
            output = torch.ops.mkldnn._convolution_pointwise(
                deep, self.deep_weight(deep), self.bias, [1, 1], [1, 1], [1, 1], 1, after, [], ""
            )
        return output

    def _order_transposed(self, kernel: Tensor, size: list[int]) -> Tensor:
        geometry = ([1, 1], [0, 0], self.stride, [1, 1], 1)
        ordered: Tensor = torch.ops.mkldnn._reorder_convolution_transpose_weight(kernel, *geometry, size)
        return ordered


def _order(kernel: Tensor, size: list[int]) -> Tensor:
    ordered: Tensor = torch.ops.mkldnn._reorder_convolution_weight(kernel, [1, 1], [1, 1], [1, 1], 1, size)
    return ordered


class _Ordered(nn.Module):
    """A kernel, and its copy in oneDNN's order for maps of the last size.

    Args:
        kernel: in torch's order.
        order: reorders it for maps of a size [b, c, h, w].
    """

    kernel: Tensor

    def __init__(self, kernel: Tensor, order: Callable[[Tensor, list[int]], Tensor]) -> None:
        super().__init__()
        self.register_buffer("kernel", kernel.contiguous(), persistent=False)
        self._order = order
        self._ready: tuple[torch.Size, Tensor] | None = None

    def forward(self, features: Tensor) -> Tensor:
        """The kernel for a map (b, c, h, w)."""
        ready = self._ready  # read once: another thread may replace it
        if ready is None or ready[0] != features.shape:
            ready = (features.shape, self._order(self.kernel, list(features.shape)))
            self._ready = ready
        return ready[1]

    def __getstate__(self) -> dict[str, Any]:
        """The state without the reordered copy."""
        return {**self.__dict__, "_ready": None}
