import signal
import threading

import pytest

from unetzoo._utils.time_limit import TimedOut, time_limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")


@pytest.fixture
def alarm():
    """An event that a timer of the caller's sets."""
    rung = threading.Event()
    before = signal.signal(signal.SIGPROF, lambda *_: rung.set())
    yield rung
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


def _compute():
    while True:
        pass


def test_it_gives_up_after_the_time():
    with pytest.raises(TimedOut), time_limit(0.05):
        _compute()
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


def test_waiting_as_on_a_busy_machine_does_not_count():
    with time_limit(0.05):
        threading.Event().wait(0.2)


def test_a_timer_of_the_caller_goes_on_with_what_was_left(alarm):
    signal.setitimer(signal.ITIMER_PROF, 100, 7)
    with time_limit(50):
        assert signal.getitimer(signal.ITIMER_PROF)[0] < 51  # the clock of the processor has coarse ticks
    remaining, interval = signal.getitimer(signal.ITIMER_PROF)
    assert 90 < remaining < 101
    assert interval == 7
    assert not alarm.is_set()


def test_a_timer_of_the_caller_that_ran_out_meanwhile_rings_afterwards(alarm):
    signal.setitimer(signal.ITIMER_PROF, 0.02)
    with pytest.raises(TimedOut), time_limit(0.1):
        _compute()
    while not alarm.is_set():  # it rings as this process computes
        pass
