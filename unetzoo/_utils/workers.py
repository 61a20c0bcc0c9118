"""Processes that work for another one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

GUARD = "put the call under `if __name__ == '__main__':`"
"""What a script needs where processes are spawned."""


def end_with_parent() -> None:
    """End this process as soon as the one that started it is gone.

    A worker whose parent was killed would otherwise finish what it does, then wait for ever for more, and keep its
    memory.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def end_with_parent_alone() -> None:
    """End this process with the one that started it, and for no signal of a terminal or a scheduler before."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


@contextmanager
def deaf() -> Iterator[None]:
    """Processes that are started here do not hear Ctrl-C, which a terminal sends to all; who started them ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def refuse_to_run_in_workers(call: str) -> None:
    """End this process if it was spawned and still imports the main script, which calls a function without a guard.

    A spawned process imports the script that spawned it. A script that trains as soon as it is imported would train
    again in each worker.

    Args:
        call: the function, such as `"unetzoo.fit"`.

    Raises:
        SystemExit: in such a process; says how to guard the call.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # as multiprocessing itself asks
        raise SystemExit(f"{call} is called while a worker process imports the script; {GUARD}")


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
