"""What `touch_constants` is worth: a binary cross-entropy in a new process, before and after it."""

import multiprocessing
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo._utils.memory import keep_freed_memory
from unetzoo.bench.measures import seconds
from unetzoo.losses.first_touch import touch_constants


def measure_first_touch(*, batch: int = 4, side: int = 512, rounds: int = 9) -> dict[str, Any]:
    """Seconds of torch's own loss, forward and backward, `"before"` and `"after"`.

    Args:
        batch: masks.
        side: of each in pixels.
        rounds: calls of each.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(_measure, (batch, side, rounds))
    return found


def _measure(batch: int, side: int, rounds: int) -> dict[str, list[float]]:
    keep_freed_memory()
    logits = torch.randn(batch, 1, side, side).requires_grad_()
    target = torch.randint(2, logits.shape).to(logits.dtype)

    def step() -> Tensor:
        return torch.autograd.grad(F.binary_cross_entropy_with_logits(logits, target), logits)[0]

    before = [seconds(step, "cpu") for _ in range(rounds)]
    touch_constants()
    return {"before": before, "after": [seconds(step, "cpu") for _ in range(rounds)]}
