"""Give something up after a time, where the system can interrupt it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN = 1.0  # seconds; an exception in a destructor or a callback is lost


class OutOfPatience(BaseException):
    """The time is over; no `Exception`, so that nothing on the way catches it."""


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfPatience` after some seconds, in the main thread of a Unix process; elsewhere there is no limit."""
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(*_: object) -> None:
        raise OutOfPatience

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
