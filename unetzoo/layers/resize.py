"""Resize maps."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.features import Factor, along_axes
from unetzoo.layers.axes import axes_of

Mode = Literal["nearest", "bilinear"]
"""`"bilinear"` is linear along each axis, also along the three of volumes."""


def enlarge(features: Tensor, factor: Factor, mode: Mode = "bilinear", *, align_corners: bool = False) -> Tensor:
    """A map (b, c, factor * h, factor * w), interpolated from `features` (b, c, h, w); volumes likewise.

    Args:
        features: the map.
        factor: whole factor of upsampling; 1 returns the map itself.
        mode: interpolation.
        align_corners: for `"bilinear"`: align the centers of the corner pixels.
    """
    if factor == 1:
        return features
    scale = [float(number) for number in along_axes(factor, features.ndim - 2)]
    name, corners = _interpolation(features, mode, align_corners)
    return F.interpolate(features, scale_factor=scale, mode=name, align_corners=corners)


def resize_as(features: Tensor, like: Tensor, mode: Mode = "bilinear", *, align_corners: bool = False) -> Tensor:
    """A map (b, c, h, w) with height and width of `like` (.., h, w), interpolated; volumes likewise."""
    name, corners = _interpolation(features, mode, align_corners)
    return F.interpolate(features, size=like.shape[2:], mode=name, align_corners=corners)


def _interpolation(features: Tensor, mode: Mode, align_corners: bool) -> tuple[str, bool | None]:
    """The arguments `mode` and `align_corners` of `torch.nn.functional.interpolate` for an interpolation."""
    return (mode, None) if mode == "nearest" else (axes_of(features).linear, align_corners)


def mix_resized(maps: Sequence[Tensor], convolution: nn.Module, level: int) -> Tensor:
    """The 1x1 convolution of the concatenation of maps, resized to one level, without creating the resized maps.

    A 1x1 convolution is a sum over channels and bilinear interpolation a sum over pixels, so they commute: the small
    maps are convolved first, at their own resolution.

    Args:
        maps: (b, c, h_i, w_i) with equal channels, in order of concatenation: coarser maps, the level's map, then maps
            of its height and width.
        convolution: an `nn.Conv2d` of kernel size 1 for len(maps) * c channels.
        level: index of the map whose height and width the result (b, out, h, w) has.
    """
    assert isinstance(convolution, nn.Conv2d)  # noqa: S101 - guaranteed by the callers
    like, kernels = maps[level], convolution.weight.chunk(len(maps), dim=1)
    parts = [] if convolution.bias is None else [convolution.bias[:, None, None]]
    for index, (features, part) in enumerate(zip(maps, kernels, strict=True)):
        convolved = F.conv2d(features, part)
        parts.append(convolved if index >= level else resize_as(convolved, like))
    return sum(parts[1:], parts[0])


class PixelLinear(nn.Linear):
    """A linear layer of each pixel's channels: (b, in, h, w) to (b, out, h, w)."""

    def forward(self, features: Tensor) -> Tensor:
        """The projected map."""
        return F.conv2d(features, self.weight[:, :, None, None], self.bias)
