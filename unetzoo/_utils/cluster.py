"""A Ray cluster, and tasks on it."""

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from unetzoo._utils.extras import need
from unetzoo.errors import OptionError, describe_error

Item = TypeVar("Item")
Result = TypeVar("Result")

_RETRIES = 3  # of a task whose worker dies
_SECONDS = 10.0  # to wait for an answer


@dataclass(frozen=True)
class Done(Generic[Item, Result]):
    """A task that ended.

    Attributes:
        item: what it worked on.
        result: what it returned; None if it failed.
        error: why the task failed, such as a worker that died again and again; empty if it did not.
    """

    item: Item
    result: Result | None
    error: str = ""


def run_tasks(
    function: Callable[[Any, Item], Result],
    items: Sequence[Item],
    *,
    address: str,
    purpose: str,
    shared: object = None,
    new_process: bool = False,
) -> Iterator[Done[Item, Result]]:
    """Call a function with each item by a task of Ray, which runs again elsewhere when its worker or machine dies.

    A task takes a CPU, and a GPU where the cluster has some.

    Args:
        function: of a module; its first argument is a list with a Ray reference to `shared`, its second an item.
        items: all different.
        address: of the cluster, `"auto"` for one that runs on this machine, `"local"` for a new one.
        purpose: what needs Ray, for the error.
        shared: goes to each machine once.
        new_process: start a process for each task.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: there is no cluster at the address.
    """
    need("ray", purpose, "ray")
    import ray
    from ray.exceptions import RayError

    with connected(address):
        gpus = 1 if ray.cluster_resources().get("GPU") else 0  # type: ignore[no-untyped-call] # Ray's own lack of types
        options: dict[str, Any] = {"max_calls": 1} if new_process else {}
        task: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_RETRIES, **options)(function)
        reference = ray.put(shared)
        waiting = {task.remote([reference], item): item for item in items}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting))
            item = waiting.pop(done)
            try:
                yield Done(item, ray.get(done))
            except RayError as error:
                yield Done(item, None, describe_error(error))


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect this process to a cluster, until the end; one that was started for it ends, too.

    Args:
        address: as `run_tasks` takes it.

    Raises:
        OptionError: there is no cluster at the address.
    """
    import ray

    _check_reachable(address)
    options: dict[str, Any] = {"include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except Exception as error:  # Ray raises bare ones, too, such as for a machine that is too slow
        raise OptionError(f"there is no Ray cluster at {address!r}: {describe_error(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise OptionError where nobody listens at HOST:PORT; Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except OSError as error:
        raise OptionError(f"there is no Ray cluster at {address!r}: {error.strerror or error}") from error
