"""Whether operations run at once, or are recorded for images of other sizes, for later calls, or by a transform."""

import torch
from torch import Tensor, nn


def is_recorded() -> bool:
    """True while `torch.export` or `torch.jit.trace` runs a network, with sizes that are only an example."""
    return torch.compiler.is_exporting() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def runs_at_once(tensor: Tensor) -> bool:
    """True if operations on a tensor give ordinary tensors, now: what they give may be kept for later calls.

    False for a compiler, an export, the recording of a CUDA graph, a transform of `torch.func`, and modes and tensors
    that stand for others.
    """
    return (
        type(tensor) in (Tensor, nn.Parameter)
        and not torch.compiler.is_compiling()
        and not is_recorded()
        and torch._C._len_torch_dispatch_stack() == 0
        and torch._C._functorch.peek_interpreter_stack() is None
        and not (tensor.is_cuda and torch.cuda.is_current_stream_capturing())
    )
