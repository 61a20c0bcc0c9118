"""A guard around readers of strangers' files: no request, no process, and no file outside of what they were given.

Python tells of each file that it opens and each connection that it makes (https://peps.python.org/pep-0578/); what a
library of C opens by itself is not among them.
"""

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import unetzoo

_FILES = {"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "os.chmod", "shutil.copyfile"}
_REFUSED = {
    "os.exec",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "subprocess.Popen",
    "urllib.Request",
}
_INSTALLED = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(unetzoo.__file__).parent)}
_SYSTEM = {"/proc", "/sys", "/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo", "/usr/lib"}
_KNOWN = tuple(os.path.realpath(place) for place in _INSTALLED | _SYSTEM)


class _Guard:
    """The one hook of the process, which can be switched on but never taken away."""

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] | None = None
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.allowed is None:
            return
        if event in _REFUSED:
            self.seen.append(f"{event} {arguments[:2]}")
            raise PermissionError(f"the guard of the tests refuses {event} {arguments[:2]}")
        if event in _FILES and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not any(path == place or path.startswith(place + os.sep) for place in self.allowed):
                self.seen.append(f"{event} {path}")


_GUARD = _Guard()


@contextmanager
def confined(*places: Path) -> Iterator[None]:
    """Fail when the block makes a request, starts a process, or opens a file outside of these places.

    Python's own files and those of the installed packages may be read, which imports do.

    Args:
        places: files and folders that may be read and written.
    """
    unetzoo.list_decoders()  # imports the plugins, wherever those that are installed as editable lie
    _GUARD.seen = []
    _GUARD.allowed = (*_KNOWN, *(os.path.realpath(place) for place in places))
    try:
        yield
    finally:
        _GUARD.allowed = None
    assert not _GUARD.seen, f"outside of {', '.join(map(str, places))}: {_GUARD.seen}"
