"""Worker processes."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

GUARD = "put the call under `if __name__ == '__main__':`"
"""How to protect a script whose worker processes are spawned."""


def end_with_parent() -> None:
    """Exit as soon as the parent process is gone.

    A worker whose parent was killed would otherwise finish its task, wait forever for the next, and keep its memory.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def end_only_with_parent() -> None:
    """Exit with the parent; ignore SIGINT and SIGTERM until then."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


@contextmanager
def ignore_sigint_in_children() -> Iterator[None]:
    """Let processes that are started here ignore Ctrl-C, which a terminal sends to all; their parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def refuse_to_run_in_workers(call: str) -> None:
    """Exit if this process was spawned and still imports the main script, which calls a function without a guard.

    A spawned process imports the script that spawned it: a script that trains when it is imported would train again in
    each worker.

    Args:
        call: name of the function, such as `"unetzoo.fit"`.

    Raises:
        SystemExit: says how to guard the call.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # as multiprocessing itself asks
        raise SystemExit(f"{call} is called while a worker process imports the script; {GUARD}")


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
