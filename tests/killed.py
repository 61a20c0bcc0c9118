"""A task that kills its worker, for workers of Ray, which import this module alone."""

import os
import signal
from pathlib import Path


def kill_worker_once(shared, name):
    """The number of the process that does the task in the end; "mortal" kills the first one that tries."""
    import ray

    folder = Path(ray.get(shared[0]))
    with (folder / name).open("a") as tries:
        tries.write(f"{os.getpid()}\n")
    if name == "mortal" and len((folder / name).read_text().split()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()
