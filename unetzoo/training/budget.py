"""A budget of time: how long steps and validations take, and the plan that fits what is left."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import monotonic

from unetzoo.training.options import SHORTEST_EPOCH, Plan

FIRST_STEPS = 10
"""Steps after which the pace is known."""
_UNTIMED = 1  # the first step after a start allocates memory, and starts workers
_MOST_EPOCHS = 30
_MOST_VALIDATION = 0.2  # share of the time


class Pace:
    """The time of steps and of validations since a start.

    Args:
        spent: seconds of the training before.
        clock: seconds from any point on; None: those of the machine.
    """

    def __init__(self, spent: float = 0.0, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or monotonic
        self._last = self._clock()
        self.spent = spent
        self.steps = 0
        self._timed = 0.0
        self._validations: list[float] = []

    @classmethod
    def of(cls, step: float, validation: float) -> "Pace":
        """A pace whose seconds of a step and of a validation are known from elsewhere."""
        pace = cls()
        pace.steps, pace._timed, pace._validations = _UNTIMED + 1, step, [validation]
        return pace

    def end_step(self) -> None:
        """Take the time since the last call of any of these for that of a step."""
        self.steps += 1
        self._timed += self._lap() * (self.steps > _UNTIMED)

    def end_validation(self) -> None:
        """Take the time since the last call for that of a validation."""
        self._validations.append(self._lap())

    def end_checkpoint(self) -> None:
        """Take the time since the last call for that of a checkpoint, which belongs to the last validation."""
        elapsed = self._lap()
        if self._validations:
            self._validations[-1] += elapsed

    @property
    def step(self) -> float:
        """Seconds of a step; infinite before one is timed."""
        return self._timed / (self.steps - _UNTIMED) if self.steps > _UNTIMED else inf

    @property
    def has_validated(self) -> bool:
        """Whether the time of a validation is known."""
        return bool(self._validations)

    @property
    def validation(self) -> float:
        """Seconds of a validation and its checkpoint; 0 before there is one."""
        return sum(self._validations) / len(self._validations) if self._validations else 0.0

    def left(self, plan: Plan, step: int, epochs: int) -> float:
        """Seconds to the end of a plan of which so many steps and epochs are done."""
        return (plan.steps - step) * self.step + (plan.epochs - epochs) * self.validation

    def _lap(self) -> float:
        now = self._clock()
        elapsed, self._last = now - self._last, now
        self.spent += elapsed
        return elapsed


def fit_plan(plan: Plan, left: float, pace: Pace, *, step: int, epochs: int, is_validated: bool) -> Plan:
    """The plan that fits into the seconds that are left.

    An epoch has at least 50 steps, there are at most 30 of them, and their validations take at most a fifth of the
    time, but for one at the end, and one before it to measure its time. The training ends now if no step fits, after
    one more if this one is not validated.

    Args:
        plan: the plan so far.
        left: seconds; may be negative.
        pace: seconds of steps and validations.
        step: steps that are done.
        epochs: epochs that are done.
        is_validated: whether an epoch ended with this step.
    """
    limits = (
        left / pace.step / SHORTEST_EPOCH,
        _MOST_EPOCHS - epochs,
        _MOST_VALIDATION * left / (pace.validation or 1e-9),
    )
    more_epochs = max(1 if pace.has_validated else 2, int(min(limits)))
    more_steps = int((left - more_epochs * pace.validation) / pace.step)
    if more_steps < 1:
        more_epochs = more_steps = 0 if is_validated else 1
    more_epochs = min(more_epochs, more_steps)
    return replace(plan, steps=step + more_steps, epochs=epochs + more_epochs, origin=(step, epochs))
