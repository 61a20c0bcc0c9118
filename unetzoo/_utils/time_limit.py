"""Interrupt the work in a block after some seconds."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, process_time

_INTERVAL = 1.0  # seconds; the timer repeats, because an exception in a destructor or a callback is lost
_NOW = 1e-6  # seconds; 0 would switch a timer off


class TimedOut(BaseException):
    """The time is over; not an `Exception`, so that nothing on the way catches it."""


@contextmanager
def time_limit(seconds: float | None, *, of_processor: bool = False) -> Iterator[None]:
    """Raise `TimedOut` after some seconds, in the main thread of a Unix process; elsewhere there is no limit.

    A timer of the caller continues afterwards; if it expired in between, it rings at once.

    Args:
        seconds: until then; None: no limit.
        of_processor: count the seconds that the processor works for this process, in all of its threads, so that other
            processes on a busy machine do not matter.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def time_out(*_: object) -> None:
        raise TimedOut

    timer, number, clock = (
        (signal.ITIMER_PROF, signal.SIGPROF, process_time)
        if of_processor
        else (signal.ITIMER_REAL, signal.SIGALRM, monotonic)
    )
    remaining, interval = signal.setitimer(timer, 0)  # of the caller, whose timer must not ring for ours
    start = clock()
    handler = signal.signal(number, time_out)
    try:
        try:
            signal.setitimer(timer, seconds, _INTERVAL)
            yield
        finally:
            signal.setitimer(timer, 0)
    finally:  # also if the timer rings in the line above
        signal.setitimer(timer, 0)
        signal.signal(number, signal.SIG_IGN)  # drops a signal on its way, which the default would die of
        signal.signal(number, handler)
        if remaining:
            signal.setitimer(timer, max(_NOW, remaining - (clock() - start)), interval)
