"""Open files of an untrusted folder: only regular files within the folder, and without blocking."""

import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from unetzoo.errors import UnetzooError, WeightsError
from unetzoo.weights.transaction import current

_NEVER_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def open_inside(folder: Path, name: str, error: type[UnetzooError] = WeightsError) -> BinaryIO:
    """Open a file in a folder; in a cache of the Hub, links to its blobs are followed.

    Args:
        folder: folder of a network.
        name: name of the file, without a path.
        error: type of the error.

    Raises:
        WeightsError, or `error`: there is no such file, it is not a regular file (but a folder, pipe or device), or it
            is a link to elsewhere.
    """
    path = None
    try:
        path = current(folder, name)
        _check_kind(name, path.stat(), error)
        homes = [folder.resolve()]
        if folder.parent.name == "snapshots":
            homes.append(folder.parent.parent.resolve() / "blobs")
        if not any(Path(os.path.realpath(path)).is_relative_to(home) for home in homes):
            raise error(f"{name} is a link to a file outside of {str(folder)!r}: it is not read")
        stream = os.fdopen(os.open(path, _NEVER_WAITING), "rb")
    except FileNotFoundError as problem:
        if path is not None and current(folder, name) != path:  # a concurrent save has just moved it
            return open_inside(folder, name, error)
        hint = ": not a folder of a saved network" if name == "config.json" else ""
        raise error(f"there is no {name} in {str(folder)!r}{hint}") from problem
    except (OSError, ValueError) as problem:
        if isinstance(problem, UnetzooError):
            raise
        raise error(f"{name[:80]!r} in {str(folder)!r} cannot be opened: {problem}") from problem
    with ExitStack() as opened:
        opened.enter_context(stream)
        _check_kind(name, os.fstat(stream.fileno()), error)
        opened.pop_all()
    return stream


def _check_kind(name: str, status: os.stat_result, error: type[UnetzooError]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise error(f"{name} is not a regular file: it is not read")


def read_text(stream: BinaryIO, name: str, most: int, error: type[UnetzooError]) -> str:
    """The text of a file; raises `error` if it has more than `most` bytes or is not UTF-8."""
    size = os.fstat(stream.fileno()).st_size
    if size > most:
        raise error(f"{name} has {size:,} bytes; at most {most:,} are read")
    try:
        return stream.read(most).decode("utf-8")
    except (OSError, ValueError) as problem:
        raise error(f"{name} cannot be read: {problem}") from problem
