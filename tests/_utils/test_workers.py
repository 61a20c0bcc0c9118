"""A process that works for another one ends when that one is killed."""

import subprocess
import sys
import time

import psutil
import pytest

_PROGRAM = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from unetzoo._utils.workers import end_with_parent

if __name__ == "__main__":
    initializer = end_with_parent if sys.argv[1] == "ends" else None
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=initializer) as pool:
        pool.submit(time.sleep, 0).result()
        print(*pool._processes, flush=True)
        time.sleep(60)
"""


@pytest.fixture
def killed(tmp_path):
    """The worker of a process that was killed, once with and once without what is tested."""
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)

    def start_and_kill(how):
        with subprocess.Popen([sys.executable, program, how], stdout=subprocess.PIPE, text=True) as parent:
            worker = psutil.Process(int(parent.stdout.readline()))
            parent.kill()
        return worker

    return start_and_kill


def test_a_worker_ends_with_the_process_that_started_it(killed):
    killed("ends").wait(timeout=20)


def test_without_it_the_worker_would_stay(killed):
    worker = killed("stays")
    time.sleep(2)
    assert worker.is_running()
    worker.kill()
