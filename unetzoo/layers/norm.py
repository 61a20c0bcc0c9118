"""Norms and activations by name."""

from math import gcd
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.axes import AXES

Norm = Literal["batch", "group", "instance", "layer", "none"]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "prelu"]


class ChannelLayerNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel (b, c, h, w) or voxel, as ConvNeXt has it (arXiv:2201.03545)."""

    def forward(self, features: Tensor) -> Tensor:
        """The normalized features, of the same shape."""
        last = features.movedim(1, -1)
        return F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).movedim(-1, 1)


class GroupNorm(nn.GroupNorm):
    """Group norm that also takes a single image of one pixel per group, whose result is 0."""

    def forward(self, features: Tensor) -> Tensor:
        """The normalized features, of the same shape; torch's layer refuses such maps even in evaluation mode."""
        return torch.group_norm(features, self.num_groups, self.weight, self.bias, self.eps)


def make_norm(norm: Norm, channels: int, *, groups: int = 8, spatial_dims: int = 2) -> nn.Module:
    """The norm of that name for maps (b, channels, h, w), with three `spatial_dims` for volumes (b, channels, d, h, w).

    `"group"` has `groups` groups (or the greatest common divisor with the channels), `"instance"` one group per
    channel, which also accepts maps of one pixel, unlike `nn.InstanceNorm2d`.
    """
    match norm:
        case "batch":
            return AXES[spatial_dims].batch_norm(channels)
        case "group":
            return GroupNorm(gcd(groups, channels), channels)
        case "instance":
            return GroupNorm(channels, channels)
        case "layer":
            return ChannelLayerNorm(channels)
        case "none":
            return nn.Identity()


def make_activation(activation: Activation, *, inplace: bool = True) -> nn.Module:
    """The activation of that name; `inplace` overwrites the input if the activation supports it."""
    match activation:
        case "relu":
            return nn.ReLU(inplace=inplace)
        case "leaky_relu":
            return nn.LeakyReLU(0.01, inplace=inplace)
        case "elu":
            return nn.ELU(inplace=inplace)
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU(inplace=inplace)
        case "prelu":
            return nn.PReLU()


def is_lone_pixel(error: BaseException) -> bool:
    """True if `error` is batch norm's "expected more than 1 value per channel"."""
    return "more than 1 value per channel" in str(error)
