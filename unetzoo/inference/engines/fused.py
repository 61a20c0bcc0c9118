"""Convolutions for NVIDIA GPUs whose kernel also adds the bias and another map, and rectifies (cuDNN).

torch runs a convolution, its bias, a sum and a ReLU as four kernels, of which the last three only read and write a map.
"""

import sys
from collections.abc import Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv, transposed_kernel

Geometry = tuple[list[int], list[int], list[int], int]
_AXES = 4  # of kernels over images
_FACTOR = 2  # of upsampling
_LEAST_OUTPUTS = 8  # channels, which are 16 bytes
_SAME: Geometry = ([1, 1], [1, 1], [1, 1], 1)  # of a 3x3 convolution
_FEW_PIXELS = 2**15  # of deep maps, below which concatenation is faster than two convolutions
_SIDE = 16  # of the map for which cuDNN is asked whether it has a kernel, in pixels


def fused(layer: nn.Module) -> nn.Module | None:
    """The fused form of a convolution, or of an upsampling one with skips, and the ReLU after it.

    Args:
        layer: in the dtype and on the device of the later calls.

    Returns:
        None if the layer is not on a GPU, computes something else, or cuDNN has no such kernel.
    """
    if isinstance(layer, UpsampleConcatConv):
        return _fused_sum(layer)
    if not _is_plain_convolution(layer):
        return None
    reach = max(dilation * side for dilation, side in zip(layer.dilation, layer.weight.shape[2:], strict=True))
    return _if_it_runs(FusedConv2d(layer), _zeros(layer.weight, layer.in_channels, max(_SIDE, 2 * reach)))


def widened(layer: nn.Module) -> nn.Module | None:
    """The form of a convolution with few outputs, such as that of a head, that suits tensor cores.

    Returns:
        None if the layer has enough outputs, is not on a GPU in half precision, or computes something else.
    """
    if not _is_plain_convolution(layer) or layer.weight.dtype == torch.float32:
        return None
    return WidenedConv2d(layer) if layer.out_channels < _LEAST_OUTPUTS else None


def fused_residual(block: nn.Module) -> nn.Module | None:
    """The fused form of a residual block of timm's ResNets, whose last convolution adds the shortcut and rectifies.

    Args:
        block: in evaluation mode, its norms folded.

    Returns:
        None if there is none, see `fused`.
    """
    resnet = sys.modules.get("timm.models.resnet")
    if resnet is None or not is_plain(block, (resnet.BasicBlock, resnet.Bottleneck)):
        return None
    last = "2" if isinstance(block, resnet.BasicBlock) else "3"
    parts = dict(block.named_children())
    is_other = "se" in parts or "drop_path" in parts
    if is_other or (type(parts[f"bn{last}"]), type(parts[f"act{last}"])) != (nn.Identity, nn.ReLU):
        return None
    convolution = fused(parts[f"conv{last}"])
    if convolution is None:
        return None
    names = list(parts)
    before = nn.Sequential(*(parts[name] for name in names[: names.index(f"conv{last}")]))
    return FusedResidual(before, convolution, parts.get("downsample", nn.Identity()))


def convolve_add_rectify(
    features: Tensor, weight: Tensor, bias: Tensor | None, added: Tensor | None, geometry: Geometry
) -> Tensor:
    """`relu(conv(features) + bias + added)`, on a GPU in one kernel.

    Args:
        features: (b, in, h, w).
        weight: (out, in, k, l).
        bias: (out,).
        added: (b, out, h', w').
        geometry: stride, padding and dilation along both axes, and 1, the number of groups.
    """
    if not features.is_cuda:
        result = torch.conv2d(features, weight, bias, *geometry)
        return (result if added is None else result.add_(added)).relu_()
    if added is None:
        return torch.cudnn_convolution_relu(features, weight, bias, *geometry)
    return torch.cudnn_convolution_add_relu(features, weight, added, 1.0, bias, *geometry)


class FusedConv2d(nn.Module):
    """A convolution without groups and the ReLU after it; another map may be added before the ReLU.

    Args:
        convolution: what it computes.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.stride, self.dilation = list(convolution.stride), list(convolution.dilation)
        self.padding = [int(side) for side in convolution.padding]
        self.register_buffer("weight", convolution.weight.detach(), persistent=False)
        bias = None if convolution.bias is None else convolution.bias.detach()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, features: Tensor, added: Tensor | None = None) -> Tensor:
        """(b, out, h', w'), not below 0, of a map (b, in, h, w) and another (b, out, h', w') to add."""
        geometry = (self.stride, self.padding, self.dilation, 1)
        return convolve_add_rectify(features, self.weight, self.bias, added, geometry)


class FusedResidual(nn.Module):
    """A residual block.

    Args:
        before: the layers before the last convolution.
        last: that convolution, which adds the shortcut.
        shortcut: what the shortcut does.
    """

    def __init__(self, before: nn.Module, last: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.before, self.last, self.shortcut = before, last, shortcut

    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h', w') of a map (b, in, h, w)."""
        result: Tensor = self.last(self.before(features), self.shortcut(features))
        return result


class FusedUpsampleConcatConv(nn.Module):
    """An `UpsampleConcatConv` with skips and the ReLU after it, in as few kernels as are fast.

    The last convolution adds the others, and rectifies. Several skips are concatenated where maps are small: that is
    one kernel and one convolution; in large maps it takes longer than a convolution for each.

    Args:
        layer: what it computes; nearest upsampling.
    """

    deep_kernel: Tensor
    skip_kernel: Tensor
    bias: Tensor | None

    def __init__(self, layer: UpsampleConcatConv) -> None:
        super().__init__()
        deep, *skips = torch.split(layer.weight.detach(), list(layer.splits), dim=1)
        self.factor = layer.factor
        kernels = {"deep_kernel": transposed_kernel(deep, layer.factor), "skip_kernel": torch.cat(skips, dim=1)}
        self._names = [f"skip_kernel_{number}" for number in range(len(skips))]
        for name, kernel in (kernels | dict(zip(self._names, skips, strict=True))).items():
            self.register_buffer(name, kernel.clone(memory_format=torch.channels_last), persistent=False)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach(), persistent=False)

    def forward(self, deep: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """(b, out, factor * h, factor * w) for deep (b, deep, h, w) and skips (b, skip, factor * h, factor * w)."""
        result = torch.conv_transpose2d(deep, self.deep_kernel, stride=self.factor, padding=1)
        *others, last = self._pairs(skips, deep.shape[0] * deep.shape[2] * deep.shape[3])
        for skip, kernel in others:
            result += torch.conv2d(skip, kernel, padding=1)
        return convolve_add_rectify(*last, self.bias, result, _SAME)

    def _pairs(self, skips: Sequence[Tensor], pixels: int) -> list[tuple[Tensor, Tensor]]:
        """The maps to convolve, and their kernels, for so many deep pixels."""
        if len(skips) > 1 and pixels <= _FEW_PIXELS:
            return [(torch.cat(list(skips), dim=1), self.skip_kernel)]
        return [(skip, getattr(self, name)) for skip, name in zip(skips, self._names, strict=True)]


class WidenedConv2d(nn.Module):
    """A convolution with outputs of zeros beside its own: in half precision cuDNN takes less time for 8 than for 1.

    Args:
        convolution: what it computes.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.outputs = convolution.out_channels
        self.stride, self.padding, self.dilation = convolution.stride, convolution.padding, convolution.dilation
        weight = convolution.weight.detach()
        widened = F.pad(weight, (0, 0) * 3 + (0, _LEAST_OUTPUTS - self.outputs))
        self.register_buffer("weight", widened.contiguous(memory_format=torch.channels_last), persistent=False)
        bias = None if convolution.bias is None else convolution.bias.detach().view(1, -1, 1, 1)
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(b, out, h', w') of a map (b, in, h, w)."""
        result = torch.conv2d(features, self.weight, None, self.stride, self.padding, self.dilation)
        own = result[:, : self.outputs]
        return own.clone() if self.bias is None else own + self.bias


def _is_plain_convolution(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    return (
        is_plain(layer, (nn.Conv2d,))
        and isinstance(layer, nn.Conv2d)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.groups == 1
        and _is_on_gpu(layer.weight)
    )


def _is_on_gpu(weight: Tensor) -> bool:
    return weight.is_cuda


def _fused_sum(layer: UpsampleConcatConv) -> nn.Module | None:
    deep, *skips = layer.splits
    is_fused = layer.mode == "nearest" and layer.factor == _FACTOR and layer.weight.ndim == _AXES and skips
    if not (is_fused and is_plain(layer, (UpsampleConcatConv,)) and _is_on_gpu(layer.weight)):
        return None
    larger = [_zeros(layer.weight, channels, _FACTOR * _SIDE) for channels in skips]
    return _if_it_runs(FusedUpsampleConcatConv(layer), _zeros(layer.weight, deep, _SIDE), larger)


def _if_it_runs(layer: nn.Module, *example: object) -> nn.Module | None:
    try:
        layer(*example)
    except RuntimeError:  # cuDNN has no such kernel
        return None
    return layer


def _zeros(like: Tensor, channels: int, side: int) -> Tensor:
    return like.new_zeros(1, channels, side, side).to(memory_format=torch.channels_last)
