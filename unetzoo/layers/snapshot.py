"""Copies of layers, to run them later as they are now, and all that layers keep."""

import copy
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.modules import module as nn_module
from torch.utils._pytree import tree_leaves

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def is_plain(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """True if a call of the module runs just the `forward` of one of these classes.

    It does not for a subclass (such as one with a parametrization), with hooks of the module or of all modules, with a
    `forward` of the instance, or with a compiled call.
    """
    own = vars(module)
    return (
        type(module) in kinds
        and not any(own.get(name) for name in (*_HOOKS, "forward", "_compiled_call_impl"))
        and not any(vars(nn_module)[f"_global{name}"] for name in _HOOKS)
    )


def snapshot(module: nn.Module) -> nn.Module:
    """A copy of a module without children; its parameters and buffers are copies without gradients."""
    twin, own = copy.copy(module), vars(module)
    bare = {name: value for name, value in own.items() if isinstance(value, Tensor)}  # set in place of a parameter
    vars(twin).update(copies(bare), _parameters=copies(own["_parameters"]), _buffers=copies(own["_buffers"]))
    return twin


def copies(tensors: Mapping[str, Tensor | None]) -> dict[str, Tensor | None]:
    """Tensors of the same names and values, without gradients."""
    return {name: None if tensor is None else tensor.detach().clone() for name, tensor in tensors.items()}


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Weights, buffers, and the tensors that layers keep besides, such as a cache."""
    kept = (leaf for part in module.modules() for leaf in tree_leaves(vars(part)))
    return [leaf for leaf in kept if isinstance(leaf, Tensor)]
