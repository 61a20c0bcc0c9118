"""The memory order of weights."""

import torch
from torch import nn


def set_order(module: nn.Module, order: torch.memory_format) -> None:
    """Convert all tensors of four axes, such as the kernels of convolutions, to a memory order.

    `module.to(memory_format=order)` does the same, but fails for kernels of five axes, which some backbones have. A
    kernel for one channel is contiguous in both orders, so `contiguous` would keep its strides, from which a
    convolution derives the order of its output.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.to(memory_format=order)
