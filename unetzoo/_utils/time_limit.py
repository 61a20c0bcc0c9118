"""Interrupt the work in a block after some seconds of computing."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

_INTERVAL = 1.0  # seconds; the timer repeats, because an exception in a destructor or a callback is lost
_NOW = 1e-6  # seconds; 0 would switch a timer off


class TimedOut(BaseException):
    """The time is over; not an `Exception`, so that nothing on the way catches it."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimedOut` after some seconds, in the main thread of a Unix process; elsewhere there is no limit.

    The seconds are those that the processor works for this process, in all of its threads, so that other processes on a
    busy machine do not count. A timer of the caller continues afterwards; if it expired in between, it rings
    at once.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def time_out(*_: object) -> None:
        raise TimedOut

    remaining, interval = signal.setitimer(signal.ITIMER_PROF, 0)  # of the caller, whose timer must not ring for ours
    start = process_time()
    handler = signal.signal(signal.SIGPROF, time_out)
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds, _INTERVAL)
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    finally:  # also if the timer rings in the line above
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)  # drops a signal on its way, which the default would die of
        signal.signal(signal.SIGPROF, handler)
        if remaining:
            signal.setitimer(signal.ITIMER_PROF, max(_NOW, remaining - (process_time() - start)), interval)
