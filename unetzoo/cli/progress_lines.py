"""Progress where there is no terminal, such as the log of a batch job."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import typer
from rich.progress import Progress, TaskID

from unetzoo._utils.texts import duration

_INTERVAL = 60.0  # seconds between lines


class ProgressLines(Progress):
    """Prints a line a minute, such as `step 120/1,500, 25 minutes left`, and nothing in the first minute.

    Args:
        clock: seconds from any point on.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(disable=True, get_time=clock)
        self._clock, self._last = clock, clock()

    def update(self, task_id: TaskID, *args: Any, **changes: Any) -> None:  # noqa: ANN401 - as rich has it
        """Move a task on."""
        super().update(task_id, *args, **changes)
        task = self._tasks[task_id]
        if self._clock() - self._last < _INTERVAL or not task.visible or not task.completed:
            return
        self._last = self._clock()
        total = "" if task.total is None else f"/{task.total:,.0f}"
        left = "" if task.time_remaining is None else f", {duration(task.time_remaining)} left"
        typer.echo(f"{task.description} {task.completed:,.0f}{total}{left}", err=True)
