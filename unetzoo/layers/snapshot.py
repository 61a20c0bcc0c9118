"""A layer as it is now, to run it again later whatever becomes of it meanwhile."""

import copy
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def is_plain(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Whether a call of a module does what one of these classes says, and nothing else.

    It does more, or something else, as an object of a derived class (such as one with a parametrization), with hooks of
    its own or of all modules, with a `forward` of its own, or compiled by itself.
    """
    own = vars(module)
    return (
        type(module) in kinds
        and not any(own.get(name) for name in (*_HOOKS, "forward", "_compiled_call_impl"))
        and not _has_any_global_hook()  # type: ignore[no-untyped-call] # of torch
    )


def snapshot(module: nn.Module) -> nn.Module:
    """A module without children as it is now, with parameters and buffers of its own; those have no gradients."""
    twin, own = copy.copy(module), vars(module)
    bare = {name: value for name, value in own.items() if isinstance(value, Tensor)}  # in a parameter's place
    vars(twin).update(copies(bare), _parameters=copies(own["_parameters"]), _buffers=copies(own["_buffers"]))
    return twin


def copies(tensors: Mapping[str, Tensor | None]) -> dict[str, Tensor | None]:
    """Tensors of the same names and values, without gradients."""
    return {name: None if tensor is None else tensor.detach().clone() for name, tensor in tensors.items()}
