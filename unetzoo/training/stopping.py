"""What ends a training early: a signal, memory that is too small, numbers that are none."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.errors import TrainingError
from unetzoo.layers.norm import is_lone_pixel

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class TrainingStoppedError(TrainingError):
    """A signal ended the training, after a checkpoint.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int, step: int) -> None:
        super().__init__(
            f"stopped by {signal.Signals(number).name} after step {step:,}; resume=True (--resume) goes on"
        )
        self.signal = number


class StopRequest:
    """Remembers a signal until the step is done.

    Args:
        alone: there is one process; of several each would wait for one that stopped before the others know.

    Attributes:
        received: number of the signal, 0 until one came.
        agreed: the same, once all processes know of it.
    """

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self.received = 0
        self.agreed = 0

    @property
    def heeded(self) -> int:
        """The signal to stop for, 0: none."""
        return self.received if self.alone else self.agreed

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Receive SIGTERM and SIGINT rather than end at once; a thread other than the main one cannot, and does not."""
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
def explained(batch: int, crop: int) -> Iterator[None]:
    """Turn running out of memory, and a batch that is too small for batch norm, into what to change."""
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        if is_lone_pixel(error):
            raise TrainingError(
                f"a batch norm got a single pixel to learn from, in batches of {batch} crops of {crop} x {crop} "
                "pixels: raise batch or crop"
            ) from error
        if not is_out_of_memory(error):
            raise
        lower = f"batch to {max(1, batch // 2)}, or crop to {max(32, crop * 3 // 4 // 32 * 32)}"
        raise TrainingError(
            f"out of memory with batches of {batch} crops of {crop} x {crop} pixels: lower {lower}; or train with "
            "activation_checkpointing, precision='bfloat16', or a smaller encoder"
        ) from error


def not_a_number(loss: float, step: int, names: Sequence[str]) -> TrainingError:
    """What to say when the loss is NaN or infinite on a batch."""
    files = ", ".join(dict.fromkeys(names))
    return TrainingError(
        f"the loss is {loss} at step {step:,}, on crops of {files}: look at these images and masks, or lower the "
        "learning rate"
    )
