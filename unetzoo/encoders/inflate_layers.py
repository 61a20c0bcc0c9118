"""Layers of timm's backbones over three axes, with the weights of images."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it


def pad_same(
    volume: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], value: float = 0.0
) -> Tensor:
    """TensorFlow's padding: afterwards a layer divides sides by its stride, rounded up; odd numbers end with more."""
    padding: list[int] = []
    for side, width, step, rate in zip(volume.shape[2:], kernel, stride, dilation, strict=True):
        missing = max((side - 1) // step * step + (width - 1) * rate + 1 - side, 0)
        padding = [missing // 2, missing - missing // 2, *padding]
    return F.pad(volume, padding, value=value)


class Conv3dSame(nn.Conv3d):
    """A convolution with TensorFlow's padding."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, out, ceil(d / stride), ...) for (b, in, d, h, w)."""
        padded = pad_same(volume, self.kernel_size, self.stride, self.dilation)
        return F.conv3d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class StdConv3d(nn.Conv3d):
    """A convolution whose kernels have mean 0 and variance `scale ** 2` (arXiv:1903.10520, arXiv:2101.08692).

    The standardized kernel of images, repeated along the depth, is the standardized repeated kernel: so `weight` is
    repeated only, and `scale` is that of images divided by the side of the kernel.
    """

    eps: float
    scale: float
    is_same: bool
    gain: nn.Parameter | None

    def forward(self, volume: Tensor) -> Tensor:
        """As torch's convolution, or with TensorFlow's padding."""
        if self.is_same:
            volume = pad_same(volume, self.kernel_size, self.stride, self.dilation)
        rows = self.weight.reshape(1, self.out_channels, -1)
        weight = F.batch_norm(rows, None, None, training=True, momentum=0.0, eps=self.eps).reshape_as(self.weight)
        weight = weight * self.scale
        if self.gain is not None:
            weight = weight * self.gain.unsqueeze(-1)
        return F.conv3d(volume, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def _of_axes(side: Any) -> tuple[int, int, int]:  # noqa: ANN401 - a number, since layers here are cubic
    return side, side, side


class MaxPool3dSame(nn.MaxPool3d):
    """The maximum over windows, with TensorFlow's padding."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, c, ceil(d / stride), ...) for (b, c, d, h, w)."""
        kernel, stride, dilation = map(_of_axes, (self.kernel_size, self.stride, self.dilation))
        padded = pad_same(volume, kernel, stride, dilation, -torch.inf)
        return F.max_pool3d(padded, kernel, stride, 0, dilation, self.ceil_mode)


class AvgPool3dSame(nn.AvgPool3d):
    """The mean over windows, with TensorFlow's padding."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, c, ceil(d / stride), ...) for (b, c, d, h, w)."""
        kernel, stride = map(_of_axes, (self.kernel_size, self.stride))
        padded = pad_same(volume, kernel, stride, (1, 1, 1))
        return F.avg_pool3d(padded, kernel, stride, 0, self.ceil_mode, self.count_include_pad)


class BlurPool3d(nn.Module):
    """A binomial filter along each axis before the stride (arXiv:1904.11486)."""

    filt: Tensor

    def __init__(self, layer: Any) -> None:  # noqa: ANN401 - timm's BlurPool2d
        super().__init__()
        self.stride, self.pad_mode = layer.stride, layer.pad_mode
        self.padding = layer.padding[:1] * 6
        along = layer.filt[:1].sum(3).reshape(1, 1, -1, 1, 1)
        self.register_buffer("filt", layer.filt[:1].unsqueeze(2) * along, persistent=False)

    def forward(self, volume: Tensor) -> Tensor:
        """The blurred volume (b, c, d / stride, h / stride, w / stride)."""
        channels = volume.shape[1]
        kernel = self.filt.expand(channels, 1, -1, -1, -1)
        return F.conv3d(F.pad(volume, self.padding, mode=self.pad_mode), kernel, stride=self.stride, groups=channels)


def is_cubic(layer: nn.Module) -> bool:
    """Whether the numbers of a layer are equal along both axes of an image, so that they hold for a third."""
    numbers = (getattr(layer, name, 0) for name in ("kernel_size", "stride", "padding", "dilation"))
    sides = [set(number) if isinstance(number, tuple | list) else {number} for number in numbers]
    return all(len(side) == 1 for side in sides) and getattr(layer, "divisor_override", None) is None


def _side(value: Any) -> Any:  # noqa: ANN401 - a number, one for each axis, or "same"
    return value[0] if isinstance(value, tuple | list) else value


def _inflated(layer: Any, kind: type[nn.Conv3d], share: float) -> nn.Conv3d:  # noqa: ANN401 - an nn.Conv2d
    """The convolution whose kernel (out, in, k, k, k) is that of images, (out, in, k, k), times `share`, k times."""
    side = layer.kernel_size[0]
    volumetric = kind(
        layer.in_channels,
        layer.out_channels,
        side,
        _side(layer.stride),
        _side(layer.padding),
        _side(layer.dilation),
        layer.groups,
        bias=layer.bias is not None,
        padding_mode=layer.padding_mode,
        device="meta",
    )
    weight = layer.weight.detach().unsqueeze(2).repeat(1, 1, side, 1, 1) * share
    volumetric.weight = nn.Parameter(weight, requires_grad=layer.weight.requires_grad)
    volumetric.bias = layer.bias
    return volumetric.train(layer.training)


def _convolution(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    return _inflated(layer, nn.Conv3d, 1 / layer.kernel_size[0])


def _same_convolution(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    return _inflated(layer, Conv3dSame, 1 / layer.kernel_size[0])


def _standardized(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    volumetric: Any = _inflated(layer, StdConv3d, 1)
    volumetric.eps = layer.eps
    volumetric.scale = getattr(layer, "scale", 1) / layer.kernel_size[0]
    volumetric.is_same = getattr(layer, "same_pad", False)
    volumetric.gain = getattr(layer, "gain", None)
    return volumetric  # type: ignore[no-any-return] # an nn.Conv3d with those attributes


def _batch_norm(layer: nn.Module) -> nn.Module:
    layer.__class__ = nn.BatchNorm3d
    return layer


def _max_pool(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    kind = nn.MaxPool3d if type(layer) is nn.MaxPool2d else MaxPool3dSame
    kernel, stride, padding, dilation = map(_side, (layer.kernel_size, layer.stride, layer.padding, layer.dilation))
    return kind(kernel, stride, padding, dilation, ceil_mode=layer.ceil_mode)


def _mean_pool(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    kind = nn.AvgPool3d if type(layer) is nn.AvgPool2d else AvgPool3dSame
    kernel, stride, padding = map(_side, (layer.kernel_size, layer.stride, layer.padding))
    return kind(kernel, stride, padding, layer.ceil_mode, layer.count_include_pad)


def _upsample(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    mode = {"bilinear": "trilinear"}.get(layer.mode, layer.mode)
    return nn.Upsample(layer.size, layer.scale_factor, mode, layer.align_corners)


def _padding(layer: Any) -> nn.Module:  # noqa: ANN401 - as above
    return nn.ConstantPad3d((*layer.padding, *layer.padding[:2]), layer.value)


_CONV = "timm.layers.std_conv"
SWAPS: dict[str, Callable[[Any], nn.Module]] = {
    "torch.nn.modules.conv.Conv2d": _convolution,
    "timm.layers.conv2d_same.Conv2dSame": _same_convolution,
    **{f"{_CONV}.{kind}": _standardized for kind in ("StdConv2d", "ScaledStdConv2d", "ScaledStdConv2dSame")},
    "torch.nn.modules.batchnorm.BatchNorm2d": _batch_norm,
    "torch.nn.modules.pooling.MaxPool2d": _max_pool,
    "timm.layers.pool2d_same.MaxPool2dSame": _max_pool,
    "torch.nn.modules.pooling.AvgPool2d": _mean_pool,
    "timm.layers.pool2d_same.AvgPool2dSame": _mean_pool,
    "timm.layers.blur_pool.BlurPool2d": BlurPool3d,
    "torch.nn.modules.upsampling.Upsample": _upsample,
    "torch.nn.modules.padding.ConstantPad2d": _padding,
}
"""The layer that replaces one of images, by the name of its class."""
