"""Torch's layers by the number of axes of a map beside batch and channels: 2 of images, 3 of volumes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import EllipsisType

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.nn.modules.conv import _ConvNd


@dataclass(frozen=True)
class Axes:
    """The layers and functions over so many axes; each takes a whole number or one for each axis, as torch's do.

    Attributes:
        conv: convolution.
        transposed_conv: transposed convolution.
        batch_norm: batch norm.
        dropout: drops whole channels.
        max_pool: maximum over windows.
        mean_pool: mean over windows.
        global_mean: mean over cells of a grid, 1 for the whole map.
        convolve: the function of `conv`.
        convolve_transposed: the function of `transposed_conv`.
        linear: torch's name of the interpolation that is linear along each axis.
        order: the memory order in which convolutions are faster on a CPU.
        sizes: how a message calls the axes.
    """

    conv: Callable[..., _ConvNd]
    transposed_conv: Callable[..., _ConvNd]
    batch_norm: Callable[[int], nn.Module]
    dropout: Callable[[float], nn.Module]
    max_pool: Callable[..., nn.Module]
    mean_pool: Callable[..., nn.Module]
    global_mean: Callable[[int], nn.Module]
    convolve: Callable[..., Tensor]
    convolve_transposed: Callable[..., Tensor]
    linear: str
    order: torch.memory_format
    sizes: str


AXES = {
    2: Axes(
        nn.Conv2d,
        nn.ConvTranspose2d,
        nn.BatchNorm2d,
        nn.Dropout2d,
        nn.MaxPool2d,
        nn.AvgPool2d,
        nn.AdaptiveAvgPool2d,
        F.conv2d,
        F.conv_transpose2d,
        "bilinear",
        torch.channels_last,
        "h, w",
    ),
    3: Axes(
        nn.Conv3d,
        nn.ConvTranspose3d,
        nn.BatchNorm3d,
        nn.Dropout3d,
        nn.MaxPool3d,
        nn.AvgPool3d,
        nn.AdaptiveAvgPool3d,
        F.conv3d,
        F.conv_transpose3d,
        "trilinear",
        torch.channels_last_3d,
        "d, h, w",
    ),
}
"""By the number of axes: a layer that is built for several takes it from here, as `BlockStyle.axes`."""


def axes_of(features: Tensor) -> Axes:
    """The layers over the axes of a map (b, c, h, w) or (b, c, d, h, w)."""
    return AXES[features.ndim - 2]


def at_the_end(extra: Sequence[int]) -> list[int]:
    """The argument of `torch.nn.functional.pad` that adds so many pixels at the end of each axis, in their order."""
    return [number for side in reversed(extra) for number in (0, side)]


def of_last_axes(parts: Iterable[slice]) -> tuple[EllipsisType | slice, ...]:
    """The index of a part of a map, with a slice for each of its last axes."""
    return (..., *parts)
