"""How long a step of `unetzoo.fit` takes, so that a training gets as many as fit into its seconds."""

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from statistics import median

from unetzoo.training.progress import FitListener

_TIMED = 8  # steps, of which the later half counts


def step_seconds(train: Callable[[FitListener], object]) -> float:
    """Median seconds of the processor, over all threads, of a step of a training that is ended after a few of them.

    Args:
        train: a training of twice as many steps, or more, that calls this listener.
    """
    times: list[float] = []

    def stop_early(*_: object) -> None:
        times.append(time.process_time())
        if len(times) == _TIMED:
            raise _TimedError

    with suppress(_TimedError):
        train(FitListener(on_step=stop_early))
    late = times[_TIMED // 2 - 1 :]
    return median(after - before for before, after in pairwise(late))


class _TimedError(Exception):
    """Enough steps are timed."""
