"""In which order weights lie in memory."""

import torch
from torch import nn


def set_order(module: nn.Module, order: torch.memory_format) -> None:
    """Lay out all tensors of four axes, such as the kernels of convolutions, in an order.

    `module.to(memory_format=order)` does the same, but fails for kernels of five axes, as some backbones have. A
    kernel for one channel is contiguous in both orders, so that `contiguous` would leave its strides, by which a
    convolution chooses the order of what it gives.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.to(memory_format=order)
