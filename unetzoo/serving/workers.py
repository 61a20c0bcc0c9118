"""The queue before the devices."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from queue import SimpleQueue
from time import perf_counter
from typing import TypeVar

from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.serving.refusals import RefusalError

Result = TypeVar("Result")


class Workers:
    """A thread for each predictor, and a limited number of images that wait for one.

    All methods are called in one event loop.

    Args:
        predictors: one for each device.
        waiting: how many images may wait.

    Attributes:
        taken: how many images are predicted or wait.
    """

    def __init__(self, predictors: Sequence[FilePredictor], waiting: int) -> None:
        self._idle: SimpleQueue[FilePredictor] = SimpleQueue()
        for predictor in predictors:
            self._idle.put(predictor)
        self._count = len(predictors)
        self._places = self._count + waiting
        self._threads = ThreadPoolExecutor(self._count, "unetzoo-device")
        self._seconds = 1.0  # of a recent image
        self.taken = 0

    def check_place(self) -> None:
        """Raise RefusalError if the queue is full."""
        if self.taken >= self._places:
            seconds = ceil(self._seconds * self.taken / self._count)
            raise RefusalError(
                503, f"{self.taken:,} images are waiting or predicted: try again later", {"Retry-After": str(seconds)}
            )

    def submit(self, work: "Callable[[FilePredictor], Result]") -> "asyncio.Future[Result]":
        """Let a predictor work, as soon as one is idle; the result is not to be canceled.

        Raises:
            RefusalError: the queue is full.
        """
        self.check_place()
        self.taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._with_idle, work)
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        """Wait until all threads are done."""
        self._threads.shutdown()

    def _leave(self, _: object) -> None:
        self.taken -= 1

    def _with_idle(self, work: "Callable[[FilePredictor], Result]") -> Result:
        predictor, start = self._idle.get(), perf_counter()
        try:
            return work(predictor)
        finally:
            self._idle.put(predictor)
            self._seconds = perf_counter() - start
