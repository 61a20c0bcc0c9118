"""Locks between processes, and between threads of one process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from unetzoo.errors import BusyError, UnetzooError, WriteError

_PATIENCE = 1.0  # seconds: the workers of a process that was killed hold its lock for a moment longer


@contextmanager
def held(path: Path, busy: UnetzooError, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock file, which is created and, at the end, removed.

    The operating system releases the lock of a process that is killed. Where a lock file is removed while another
    process waits for it, filelock compares inodes and makes a new one.

    Args:
        path: the lock file.
        busy: the error to raise when another process or thread holds it.
        patience: seconds to wait for it.

    Raises:
        OSError: the file cannot be created, or its file system has no locks.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=patience, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open
            path.unlink()
        lock.release()


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Hold a folder, which is created if needed; if it is still empty at the end, it is removed.

    Args:
        folder: the folder.
        doing: what another process that holds the folder does there, such as `"trains"`.

    Raises:
        BusyError: another process, or another thread of this one, holds the folder.
        WriteError: the folder cannot be written to.
    """
    busy = BusyError(f"another process {doing} in {folder}; wait for its end, or choose another folder")
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.callback(_remove_if_empty, folder)
            stack.enter_context(held(folder / ".lock", busy, patience=_PATIENCE))
        except OSError as error:
            raise WriteError(f"cannot write in the folder {folder}: {error.strerror}") from error
        yield


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
