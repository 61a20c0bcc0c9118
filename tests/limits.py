"""What a reader may take: seconds, and memory in relation to the file."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TooSlowError(BaseException):
    """A reader took more time than it may: no reader catches this."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail when the block takes longer; of POSIX, and in the main thread."""

    def stop(*_):
        raise TooSlowError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
