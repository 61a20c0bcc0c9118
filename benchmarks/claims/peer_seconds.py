"""How long a step takes in each library, and how many each makes in equal seconds."""

import time
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.claims.peers import FIT, SMP, PlainLoop, fitted, networks
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import opened
from unetzoo.bench.summary import half_interval
from unetzoo.data.survey.survey import Survey
from unetzoo.training.progress import FitListener

_STEPS, _FITS = 8, 6  # timed steps of each training, and how many trainings, after one that is not timed

Seconds = Mapping[str, Any]
"""Of one data set: `"steps"`, seconds of each step by library, the cutting of its crops included; `"beside steps"`, all
that `unetzoo.fit` does besides them in one training: checkpoints, validation, saving, pictures."""


def measure_seconds(data: str, *, fits: int = _FITS, steps: int = _STEPS) -> dict[str, Any]:
    """Seconds as `Seconds` has them, with the machine and the date.

    Every step of `unetzoo.fit` is followed by one of each plain loop, so that all see the same machine.

    Args:
        data: a data set.
        fits: trainings by `unetzoo.fit`.
        steps: of each of them, at least 3.
    """
    survey = opened(data)
    by_library = networks(survey, 0)
    network = by_library.pop(FIT)
    count = (1 + fits) * steps
    loops = {name: PlainLoop(network_, survey, seed=0, steps=count) for name, network_ in by_library.items()}
    clock = _Clock(loops)
    beside = []
    for number in range(1 + fits):
        if number == 1:
            clock.seconds = {name: [] for name in (FIT, *loops)}
        beside.append(_fit(network, survey, clock, steps))
    own = median(clock.seconds[FIT])
    return {
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "steps": clock.seconds,
        "beside steps": [seconds - steps * own for seconds in beside[1:]],
    }


def equal_steps(seconds: Seconds, steps: int) -> dict[str, int]:
    """How many steps each library makes in the time in which segmentation_models_pytorch makes `steps` of them."""
    budget = steps * median(seconds["steps"][SMP])
    left = dict.fromkeys(seconds["steps"], budget) | {FIT: budget - median(seconds["beside steps"])}
    return {name: max(1, round(left[name] / median(times))) for name, times in seconds["steps"].items()}


def shares(seconds: Seconds) -> dict[str, tuple[float, float | None]]:
    """A step of each library as a share of that of segmentation_models_pytorch next to it.

    Returns:
        The mean over the trainings of the mean share in each of them, and half its 95 % interval (of Student's t); by
        library. Steps of one training see the same moment of the machine, so that the trainings are what is drawn.
    """
    fits = len(seconds["beside steps"])
    references = _by_training(seconds["steps"][SMP], fits)
    result = {}
    for name, times in seconds["steps"].items():
        each = [
            fmean(step / other for step, other in zip(own, beside[len(beside) - len(own) :], strict=True))
            for own, beside in zip(_by_training(times, fits), references, strict=True)
        ]  # a fit's first step is not timed
        result[name] = fmean(each), half_interval(each)
    return result


def _by_training(times: Sequence[float], fits: int) -> list[Sequence[float]]:
    """The steps of each training."""
    each = len(times) // fits
    return [times[start : start + each] for start in range(0, each * fits, each)]


class _Clock:
    """Times the steps of a fit, and after each of them a step of every plain loop."""

    def __init__(self, loops: Mapping[str, PlainLoop]) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in (FIT, *loops)}
        self.paused = 0.0  # seconds in which the fit waited
        self._loops = loops
        self._since: float | None = None

    def listener(self) -> FitListener:
        """For a fit that begins."""
        self.paused, self._since = 0.0, None
        return FitListener(on_step=lambda *_: self._on_step(), on_epoch=lambda _: self._restart())

    def _on_step(self) -> None:
        now = time.perf_counter()
        if self._since is not None:
            self.seconds[FIT].append(now - self._since)
        for name, loop in self._loops.items():
            start = time.perf_counter()
            loop.step()
            self.seconds[name].append(time.perf_counter() - start)
        self._restart()
        self.paused += time.perf_counter() - now

    def _restart(self) -> None:
        """The next step begins; what came before, such as validation, is none of it."""
        self._since = time.perf_counter()


def _fit(network: Any, survey: Survey, clock: _Clock, steps: int) -> float:  # noqa: ANN401 - a `Segmenter`
    """Seconds of one training, without those of the plain loops."""
    listener = clock.listener()
    start = time.perf_counter()
    fitted(network, survey, seed=0, steps=steps, listener=listener)
    return time.perf_counter() - start - clock.paused
