"""Whose values a loss may look at, and where autograd needs the plain formula: under compilation and torch.func."""

import torch
from torch import Tensor
from torch._C import _functorch
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad


def hidden(*tensors: Tensor) -> bool:
    """Whether one has no values to look at: while a graph is traced, on the meta device, fake, or batched by `vmap`."""
    return torch.compiler.is_compiling() or any(
        tensor.is_meta or isinstance(tensor, FakeTensor) or _is_batched(tensor) for tensor in tensors
    )


def by_formula(values: Tensor) -> bool:
    """Whether autograd has to see each operation: to compile it, to transform it, or to carry tangents forward.

    Elsewhere gradients are written out, which keeps fewer maps; without a gradient there is nothing to keep.
    """
    if torch.compiler.is_compiling() or not values.requires_grad:
        return True
    return is_transformed(values) or forward_ad.unpack_dual(values).tangent is not None  # type: ignore[no-untyped-call] # torch's


def is_transformed(values: Tensor) -> bool:
    """Whether values may be several at once, so that nothing is changed in place: in `torch.func`, or of gradients."""
    if torch.compiler.is_compiling():
        return False
    return _functorch.maybe_current_level() is not None or bool(_functorch.is_legacy_batchedtensor(values))


def plain(tensor: Tensor) -> Tensor:
    """The same values without the class that a library gave them, such as MONAI's `MetaTensor`.

    A class that says how torch dispatches stays: its values lie elsewhere, as those of a `DTensor` do.
    """
    kind = type(tensor)
    is_plain = kind is Tensor or kind.__torch_dispatch__ is not Tensor.__torch_dispatch__
    return tensor if is_plain else tensor.as_subclass(Tensor)


def _is_batched(tensor: Tensor) -> bool:
    """Whether `vmap` has made many tensors one, also below other transforms."""
    while _functorch.is_functorch_wrapped_tensor(tensor):
        if _functorch.is_batchedtensor(tensor):
            return True
        tensor = _functorch.get_unwrapped(tensor)
    return False
