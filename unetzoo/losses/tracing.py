"""Compilation and torch.func: which values a loss may read, and when autograd needs the plain formula."""

import torch
from torch import Tensor
from torch._C import _functorch
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad


def hidden(*tensors: Tensor) -> bool:
    """True if a tensor has no readable values: while a graph is traced, on meta, fake, or batched by `vmap`."""
    return torch.compiler.is_compiling() or any(
        tensor.is_meta or isinstance(tensor, FakeTensor) or _is_batched(tensor) for tensor in tensors
    )


def by_formula(values: Tensor) -> bool:
    """True if autograd must see each operation: to compile it, to transform it, or for forward-mode tangents.

    Explicit gradients keep fewer maps elsewhere; without a gradient there is nothing to keep.
    """
    if torch.compiler.is_compiling() or not values.requires_grad:
        return True
    return is_transformed(values) or forward_ad.unpack_dual(values).tangent is not None  # type: ignore[no-untyped-call] # torch's


def is_transformed(values: Tensor) -> bool:
    """True if values may be batched, in `torch.func` or in a backward pass, so that nothing may change in place."""
    if torch.compiler.is_compiling():
        return False
    return _functorch.maybe_current_level() is not None or bool(_functorch.is_legacy_batchedtensor(values))


def plain(tensor: Tensor) -> Tensor:
    """The same values as a plain tensor, without a library's subclass such as MONAI's `MetaTensor`.

    A class with a dispatch of its own stays: its values lie elsewhere, as in a `DTensor`.
    """
    kind = type(tensor)
    is_plain = kind is Tensor or kind.__torch_dispatch__ is not Tensor.__torch_dispatch__
    return tensor if is_plain else tensor.as_subclass(Tensor)


def _is_batched(tensor: Tensor) -> bool:
    """True if `vmap` batches the tensor, also below other transforms."""
    while _functorch.is_functorch_wrapped_tensor(tensor):
        if _functorch.is_batchedtensor(tensor):
            return True
        tensor = _functorch.get_unwrapped(tensor)
    return False
