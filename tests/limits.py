"""How long a reader may take."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE = 12  # seconds on the clock for each one of work: other processes work, too


class TooSlowError(BaseException):
    """A reader took more time than it may: no reader catches this."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block works longer, or waits for much longer; of POSIX, and in the main thread."""

    def stop(*_):
        raise TooSlowError(f"more than {seconds} s")

    kinds = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, seconds * _PATIENCE)}
    before = {number: signal.signal(number, stop) for number in kinds}
    for timer, limit in kinds.values():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer, _ in kinds.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
