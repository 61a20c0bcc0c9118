"""The memory order of weights."""

import torch
from torch import nn

_ORDERS = {
    torch.channels_last: {4: torch.channels_last},
    torch.channels_last_3d: {4: torch.channels_last, 5: torch.channels_last_3d},  # a backbone of slices has four axes
    torch.contiguous_format: dict.fromkeys((4, 5), torch.contiguous_format),
}


def set_order(module: nn.Module, order: torch.memory_format) -> None:
    """Convert all tensors with the axes of a memory order, such as the kernels of convolutions, to it.

    These are four axes for `torch.channels_last`, and five for `torch.channels_last_3d`, which sets four axes in the
    order `torch.channels_last`.
    `module.to(memory_format=order)` fails for tensors of other axes, such as kernels of five, which some backbones
    have. A kernel for one channel is contiguous in both orders, so `contiguous` would keep its strides, from which a
    convolution derives the order of its output.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim in _ORDERS[order]:
            tensor.data = tensor.data.to(memory_format=_ORDERS[order][tensor.ndim])
