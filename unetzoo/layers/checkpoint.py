"""Trade time for memory in training: blocks that keep only their input, and run again in the backward pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from unetzoo.layers.recompute import keeping_all


class CheckpointedModule(nn.Module):
    """A block that can be run twice instead of keeping its maps (arXiv:1604.06174), with the same gradients.

    Attributes:
        checkpointing: whether it is; only while gradients are recorded. Running statistics of norms move once.
    """

    checkpointing = False

    def __call__(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as nn.Module's
        """Run the block."""
        if not (self.checkpointing and torch.is_grad_enabled()):
            return super().__call__(*given, **named)
        if torch.compiler.is_compiling():  # a compiler keeps what it likes, and traces no contexts
            return checkpoint(super().__call__, *given, use_reentrant=False, **named)
        return checkpoint(self._run, *given, use_reentrant=False, context_fn=self._contexts, **named)

    def _run(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        with keeping_all():
            return super().__call__(*given, **named)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _still(self)


def set_checkpointing(network: nn.Module, enabled: bool) -> int:
    """Switch all such blocks of a network; gives how many there are."""
    blocks = [module for module in network.modules() if isinstance(module, CheckpointedModule)]
    for block in blocks:
        block.checkpointing = enabled
    return len(blocks)


@contextmanager
def _still(module: nn.Module) -> Iterator[None]:
    """Let no batch norm move its running statistics: they saw this batch in the first run."""
    norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d) and norm.training]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked -= 1
