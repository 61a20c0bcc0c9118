"""The exponential moving average of a network's weights."""

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from unetzoo.model import Segmenter


def averaged(model: Segmenter, decay: float) -> AveragedModel:
    """A copy of a network that follows it; update it after every step.

    Early on it follows faster, by (1 + steps) / (10 + steps) where that is less than `decay`. Batch-norm statistics are
    averaged, too.

    Args:
        model: what is followed.
        decay: share of the average that remains at each step, 0 to 1.
    """

    def follow(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        if not average.is_floating_point():
            return current
        kept = min(decay, (1 + float(count)) / (10 + float(count)))
        return average * kept + current * (1 - kept)

    return AveragedModel(model, avg_fn=follow, use_buffers=True)
