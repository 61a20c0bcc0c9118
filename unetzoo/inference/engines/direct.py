"""3D convolutions that oneDNN computes where torch would not choose it.

For a single volume with few channels or rows, and for kernels of one voxel on one thread, torch takes loops of its own
(`use_mkldnn` in its `Convolution.cpp`). They want another memory order, so that maps are copied before and after them.
"""

from typing import TypeGuard

import torch
from torch import Tensor, nn

from unetzoo.inference.engines.packed import onednn_computes
from unetzoo.layers.snapshot import is_plain


def can_direct(layer: nn.Module) -> TypeGuard[nn.Conv3d]:
    """Whether a layer is a convolution over three axes that oneDNN can compute on this machine."""
    return (
        is_plain(layer, (nn.Conv3d,))
        and isinstance(layer, nn.Conv3d)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.weight.device.type == "cpu"
        and onednn_computes(layer.weight.dtype)
    )


class DirectConv3d(nn.Module):
    """A convolution for which `can_direct` holds.

    Args:
        convolution: what it computes.
        rectify: whether a ReLU follows.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, convolution: nn.Conv3d, *, rectify: bool) -> None:
        super().__init__()
        self.padding, self.stride = [int(side) for side in convolution.padding], list(convolution.stride)
        self.dilation, self.groups, self.rectify = list(convolution.dilation), convolution.groups, rectify
        self.register_buffer("weight", convolution.weight.detach(), persistent=False)
        bias = None if convolution.bias is None else convolution.bias.detach()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """The convolution (b, out, d', h', w') of a map (b, in, d, h, w)."""
        output = torch.mkldnn_convolution(
            features, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
        )
        return output.relu_() if self.rectify else output
