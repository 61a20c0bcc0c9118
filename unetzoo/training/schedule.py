"""How the learning rate rises and falls."""

import math
from collections.abc import Callable

from unetzoo.training.options import Schedule

_POWER = 0.9  # of poly, as in DeepLab (arXiv:1606.00915)


def rate_of(schedule: Schedule, *, steps: int, warm_up: float) -> Callable[[int], float]:
    """The share of the highest learning rate at each step from 0 on, 0 to 1.

    Args:
        schedule: the fall, over what `warm_up` leaves of the steps.
        steps: in all.
        warm_up: share of the steps in which it rises in a line.
    """
    rising = round(warm_up * steps)

    def rate(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        progress = min(1.0, (step - rising) / max(1, steps - rising))
        return 0.5 + 0.5 * math.cos(math.pi * progress) if schedule == "cosine" else (1 - progress) ** _POWER

    return rate
