"""Reasons to stop early: signals, out of memory, and a loss that is not finite."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.errors import TrainingError
from unetzoo.features import Factor, along_axes
from unetzoo.layers.norm import is_lone_pixel

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class TrainingStoppedError(TrainingError):
    """A signal ended the training, after a checkpoint.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int, step: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name} after step {step:,}; resume=True continues")
        self.signal = number


class StopRequest:
    """Remembers a signal until the step is done; of several processes, each waits until all know of it."""

    def __init__(self, *, single_process: bool) -> None:
        self.single_process = single_process
        self.local_signal = 0  # the one that this process received, 0: none
        self.shared_signal = 0  # one that all processes know of, 0: none

    @property
    def signal(self) -> int:
        """The signal to stop for, 0: none."""
        return self.local_signal if self.single_process else self.shared_signal

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.local_signal = number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Receive SIGTERM and SIGINT instead of ending at once; only the main thread of a process can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def explaining(batch: int, crop: Factor) -> Iterator[None]:
    """Say what to change after running out of memory, or where a batch is too small for batch norm."""
    sides = along_axes(crop, 2)
    pixels = f"{' x '.join(map(str, sides))} pixels"
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        if is_lone_pixel(error):
            raise TrainingError(
                f"a batch norm got a single pixel to learn from, in batches of {batch} crops of {pixels}: raise batch "
                "or crop"
            ) from error
        if not is_out_of_memory(error):
            raise
        unit = 32 if isinstance(crop, int) else 16
        less = tuple(min(side, max(unit, side * 3 // 4 // unit * unit)) for side in sides)
        smaller = f"batch={max(1, batch // 2)}, or crop={less[0] if isinstance(crop, int) else less}"
        raise TrainingError(
            f"out of memory with batches of {batch} crops of {pixels}: use {smaller}, "
            "activation_checkpointing=True, precision='bfloat16' or a smaller encoder"
        ) from error


def not_finite(loss: float, step: int, names: Sequence[str]) -> TrainingError:
    """The error for a loss that is NaN or infinite on a batch."""
    files = ", ".join(dict.fromkeys(names))
    return TrainingError(
        f"the loss is {loss} at step {step:,}, on crops of {files}: look at these images and masks, or lower the "
        "learning rate"
    )
