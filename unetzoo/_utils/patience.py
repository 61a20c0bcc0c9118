"""Give something up after a time, where the system can interrupt it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_AGAIN = 1.0  # seconds; an exception in a destructor or a callback is lost
_AT_ONCE = 1e-6  # seconds; 0 would switch a timer off


class OutOfPatience(BaseException):
    """The time is over; no `Exception`, so that nothing on the way catches it."""


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfPatience` after some seconds, in the main thread of a Unix process; elsewhere there is no limit.

    A timer of the caller's own goes on afterwards; if it ran out in between, it rings at once.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(*_: object) -> None:
        raise OutOfPatience

    handler = signal.signal(signal.SIGALRM, give_up)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    start = monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if remaining:
            signal.setitimer(signal.ITIMER_REAL, max(_AT_ONCE, remaining - (monotonic() - start)), interval)
