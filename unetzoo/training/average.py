"""The exponential moving average of a network's weights."""

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from unetzoo.nn.segmenter import Segmenter

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(model: Segmenter, decay: float) -> AveragedModel:
    """A copy of a network that follows it; update it after every step.

    Early on it follows faster, by (1 + steps) / (10 + steps) where that is less than `decay`. Batch-norm statistics are
    averaged, too.

    Args:
        model: what is followed.
        decay: share of the average that remains at each step, 0 to 1.
    """

    def follow(average: Tensors, current: Tensors, count: Tensor | int) -> None:
        """Move tensors of one type and device."""
        if average[0].is_floating_point():
            kept = min(decay, (1 + float(count)) / (10 + float(count)))
            torch._foreach_lerp_(average, current, 1 - kept)
        else:
            torch._foreach_copy_(average, current)

    return AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
