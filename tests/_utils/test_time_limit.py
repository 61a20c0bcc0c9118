import signal
import threading

import pytest

from unetzoo._utils.time_limit import TimedOut, time_limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")


@pytest.fixture(params=[False, True], ids=["clock", "processor"])
def of_processor(request):
    return request.param


@pytest.fixture
def timer(of_processor):
    """The timer of the system that a limit takes."""
    return signal.ITIMER_PROF if of_processor else signal.ITIMER_REAL


@pytest.fixture
def alarm(timer, of_processor):
    """An event that a timer of the caller's sets."""
    rung = threading.Event()
    number = signal.SIGPROF if of_processor else signal.SIGALRM
    before = signal.signal(number, lambda *_: rung.set())
    yield rung
    signal.setitimer(timer, 0)
    signal.signal(number, before)


def _compute():
    while True:
        pass


def test_it_gives_up_after_the_time(timer, of_processor):
    with pytest.raises(TimedOut), time_limit(0.05, of_processor=of_processor):
        _compute()
    assert signal.getitimer(timer) == (0, 0)


def test_waiting_counts_by_the_clock():
    with pytest.raises(TimedOut), time_limit(0.05):
        threading.Event().wait(60)


def test_waiting_as_on_a_busy_machine_does_not_count_for_the_processor():
    with time_limit(0.05, of_processor=True):
        threading.Event().wait(0.2)


def test_a_timer_of_the_caller_goes_on_with_what_was_left(alarm, timer, of_processor):
    signal.setitimer(timer, 100, 7)
    with time_limit(50, of_processor=of_processor):
        assert signal.getitimer(timer)[0] < 51  # the clock of the processor has coarse ticks
    remaining, interval = signal.getitimer(timer)
    assert 90 < remaining < 101
    assert interval == 7
    assert not alarm.is_set()


def test_a_timer_of_the_caller_that_ran_out_meanwhile_rings_afterwards(alarm, timer, of_processor):
    signal.setitimer(timer, 0.02)
    with pytest.raises(TimedOut), time_limit(0.1, of_processor=of_processor):
        _compute()
    while not alarm.is_set():  # that of the processor rings as this process computes
        pass
