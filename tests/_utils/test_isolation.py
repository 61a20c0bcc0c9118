"""What strangers' code prints is kept, and nothing else is."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

from unetzoo._utils.isolation import run_isolated


def test_what_another_thread_prints_meanwhile_is_shown(capsys):
    def stranger():
        sys.stdout.write("kept\n")
        other = Thread(target=print, args=("shown",))
        other.start()
        other.join()
        sys.stdout.write("kept, too\n")

    outcome = run_isolated(stranger)
    assert outcome.printed == "kept kept, too"
    assert capsys.readouterr().out == "shown\n"


def test_each_of_several_threads_keeps_its_own_and_standard_output_is_back_at_the_end():
    before, together = sys.stdout, Barrier(3)

    def stranger(number):
        together.wait()
        sys.stdout.write(str(number))
        together.wait()

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda number: run_isolated(lambda: stranger(number)), range(3)))
    assert [outcome.printed for outcome in outcomes] == ["0", "1", "2"]
    assert sys.stdout is before


def test_what_is_run_inside_of_what_is_run_keeps_its_own():
    inner = []

    def outer():
        sys.stdout.write("outer")
        inner.append(run_isolated(lambda: sys.stdout.write("inner")))

    assert run_isolated(outer).printed == "outer"
    assert inner[0].printed == "inner"
