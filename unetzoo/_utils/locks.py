"""One process at a time in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unetzoo.errors import BusyError, WriteError

_LOCK = ".lock"
_PATIENCE = 1.0  # seconds: the workers of a process that was killed hold its lock for a moment longer


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Hold a folder, which is made where it does not exist; a folder that is still empty at the end is removed.

    The operating system releases the lock of a process that is killed.

    Args:
        folder: to hold.
        doing: what another process does there when it holds the folder, such as `"trains"`.

    Raises:
        BusyError: another process, or another thread of this one, holds the folder.
        WriteError: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = folder / _LOCK
    lock = FileLock(path, timeout=_PATIENCE, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise BusyError(f"another process {doing} in {folder}; wait for its end, or choose another folder") from error
    except OSError as error:
        raise WriteError(f"cannot write in the folder {folder}: {error.strerror}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: whoever waits for it notices, and makes a new one
        lock.release()
        _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # there is something in it
        return
