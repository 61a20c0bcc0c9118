"""Trade time for memory in training: blocks that keep only their input and run again in the backward pass."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unetzoo.layers.recompute import can_hook_saved_tensors
from unetzoo.layers.snapshot import copies

P = ParamSpec("P")
Output = TypeVar("Output")
Block = TypeVar("Block", bound="CheckpointedModule")


class CheckpointedModule(nn.Module):
    """A block that can run twice instead of keeping its maps (arXiv:1604.06174), with the same gradients.

    Its `forward` is decorated with `checkpointed`.

    Attributes:
        checkpointing: run twice while gradients are recorded. The second run has the mode and statistics of the first;
            its own changes, such as running statistics, are discarded.
    """

    checkpointing = False


def checkpointed(forward: Callable[Concatenate[Block, P], Output]) -> Callable[Concatenate[Block, P], Output]:
    """Decorate the `forward` of a `CheckpointedModule`, so that `checkpointing` applies to it."""

    @wraps(forward)
    def run(block: Block, *args: P.args, **kwargs: P.kwargs) -> Output:
        if not (block.checkpointing and torch.is_grad_enabled()):
            return forward(block, *args, **kwargs)
        options: dict[str, Any] = {**kwargs, "use_reentrant": False}
        if not torch.compiler.is_compiling():  # a compiler chooses what to keep, and cannot trace the contexts
            if not can_hook_saved_tensors():
                return forward(block, *args, **kwargs)
            options["context_fn"] = partial(_contexts, block)
        result: Output = checkpoint(forward, block, *args, **options)
        return result

    return cast("Callable[Concatenate[Block, P], Output]", run)


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _Past(block).restored()


def set_checkpointing(network: nn.Module, enabled: bool) -> int:
    """Switch checkpointing of all such blocks of a network; returns their number."""
    blocks = [module for module in network.modules() if isinstance(module, CheckpointedModule)]
    for block in blocks:
        block.checkpointing = enabled
    return len(blocks)


class _Past:
    """The current state of a block: statistics and biases are copied, kernels must not change."""

    def __init__(self, block: nn.Module) -> None:
        self._states = [(module, _state(module)) for module in block.modules()]
        self._versions = [(weight, weight._version) for weight in block.parameters() if not _is_small(weight)]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore the state within a context."""
        for weight, version in self._versions:
            if weight._version != version:
                raise RuntimeError(
                    f"a weight {tuple(weight.shape)} of a block that runs again in the backward pass has been modified"
                    " by an inplace operation since the forward pass"
                )
        later = [{name: vars(module)[name] for name in state} for module, state in self._states]
        for module, state in self._states:
            vars(module).update(state)
        try:
            yield
        finally:
            for (module, _), state in zip(self._states, later, strict=True):
                vars(module).update(state)


def _state(module: nn.Module) -> dict[str, Any]:
    """The attributes that determine what a layer computes, with copies of its small tensors."""
    weights = {name: weight if weight is None else _fixed(weight) for name, weight in module._parameters.items()}
    return {"training": module.training, "_parameters": weights, "_buffers": copies(module._buffers)}


def _fixed(weight: Tensor) -> Tensor:
    return weight.detach().clone().requires_grad_(weight.requires_grad) if _is_small(weight) else weight


def _is_small(weight: Tensor) -> bool:
    return weight.ndim <= 1
