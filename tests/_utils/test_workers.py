"""A process that works for another one ends when that one is killed."""

import subprocess
import sys

import psutil

_PROGRAM = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from unetzoo._utils.workers import end_with_parent

if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        pool.submit(time.sleep, 0).result()
        print(*pool._processes, flush=True)
        sys.stdin.read()  # until it is killed
"""


def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=20)
