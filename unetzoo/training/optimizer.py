"""AdamW in one pass over the weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.adamw import adamw

_DENSE = (0, 2, 3, 1)  # axes of weights in the order `torch.channels_last`, as they lie in memory


class DenseAdamW(AdamW):
    """torch's fused AdamW on a CPU, given its tensors as they lie in memory.

    torch's own copies weights in the order `torch.channels_last`, and all that belongs to them, to the usual order and
    back in each step, which takes twice as long as the step itself. The state is that of `torch.optim.AdamW`.

    Args:
        groups: as torch takes them: tensors and their own options.
        weight_decay: of groups that have none of their own.
    """

    def __init__(self, groups: list[dict[str, Any]], *, weight_decay: float) -> None:
        super().__init__(groups, weight_decay=weight_decay, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change the weights; a closure is not for this one."""
        assert closure is None  # noqa: S101 - nobody here gives one
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            states = [self._state_of(weight) for weight in weights]
            rows = [
                _as_they_lie(weight, weight.grad, state["exp_avg"], state["exp_avg_sq"])
                for weight, state in zip(weights, states, strict=True)
            ]
            beta1, beta2 = group["betas"]
            adamw(
                [row[0] for row in rows],
                [row[1] for row in rows],
                [row[2] for row in rows],
                [row[3] for row in rows],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )

    def _state_of(self, weight: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        return state


def _as_they_lie(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors of one shape, turned so that they are contiguous, where all are `torch.channels_last`."""
    if all(tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last) for tensor in tensors):
        return tuple(tensor.permute(_DENSE) for tensor in tensors)
    return tensors
