"""Trade time for memory in training: blocks that keep only their input, and run again in the backward pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unetzoo.layers.recompute import can_hook_saved_tensors
from unetzoo.layers.snapshot import copies


class CheckpointedModule(nn.Module):
    """A block that can be run twice instead of keeping its maps (arXiv:1604.06174), with the same gradients.

    Attributes:
        checkpointing: whether it is; only while gradients are recorded. It runs again as it was, with the statistics
            and in the mode of then, and what the second run changes, such as running statistics, is dropped.
    """

    checkpointing = False

    def __call__(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as nn.Module's
        """Run the block."""
        if not (self.checkpointing and torch.is_grad_enabled()):
            return super().__call__(*given, **named)
        if torch.compiler.is_compiling():  # a compiler keeps what it likes, and traces no contexts
            return checkpoint(super().__call__, *given, use_reentrant=False, **named)
        if not can_hook_saved_tensors():
            return super().__call__(*given, **named)
        return checkpoint(super().__call__, *given, use_reentrant=False, context_fn=self._contexts, **named)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _Past(self).restored()


def set_checkpointing(network: nn.Module, enabled: bool) -> int:
    """Switch all such blocks of a network; gives how many there are."""
    blocks = [module for module in network.modules() if isinstance(module, CheckpointedModule)]
    for block in blocks:
        block.checkpointing = enabled
    return len(blocks)


class _Past:
    """A block as it is now: its statistics and biases are copied, its kernels must stay as they are.

    Args:
        block: with all its layers.
    """

    def __init__(self, block: nn.Module) -> None:
        self._states = [(module, _state(module)) for module in block.modules()]
        self._versions = [(weight, weight._version) for weight in block.parameters() if not _is_small(weight)]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Put the block back into that state, for a while."""
        for weight, version in self._versions:
            if weight._version != version:
                raise RuntimeError(
                    f"a weight {tuple(weight.shape)} of a block that is run again in the backward pass has been"
                    " modified by an inplace operation since the forward pass"
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
    """Attributes that make a layer compute again what it computes now, with tensors of their own."""
    weights = {name: weight if weight is None else _fixed(weight) for name, weight in module._parameters.items()}
    return {"training": module.training, "_parameters": weights, "_buffers": copies(module._buffers)}


def _fixed(weight: Tensor) -> Tensor:
    return weight.detach().clone().requires_grad_(weight.requires_grad) if _is_small(weight) else weight


def _is_small(weight: Tensor) -> bool:
    return weight.ndim <= 1
