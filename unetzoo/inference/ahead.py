"""Make the next thing while the last one is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; each is made in a thread of its own while the one before is used."""
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(list, _first(items))
        while found := waiting.result():
            waiting = thread.submit(list, _first(items))
            yield found[0]


def _first(items: Iterator[T]) -> Iterator[T]:
    """The next item, if there is one."""
    for item in items:
        yield item
        return
