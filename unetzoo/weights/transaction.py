"""Replace files of a folder atomically: a kill at any moment leaves all old files or all new ones.

New files are written into a draft folder, which is renamed to the pending folder: this commits them. Then they are
moved into place one by one. A reader takes pending files first, so it sees the new state before all are moved.
Processes and threads take turns.
"""

import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from unetzoo._utils.atomic import follow_umask
from unetzoo._utils.locks import held
from unetzoo.errors import ConfigError, OptionError

_PENDING = ".unetzoo-pending"
_DRAFT = ".unetzoo-draft-"
_LOCK = ".unetzoo-lock"
_MANIFEST = "files.json"
_LARGEST_MANIFEST = 2**20  # bytes
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_PATIENCE = 120.0  # seconds


@contextmanager
def replacing(folder: Path, is_stale: Callable[[str], bool]) -> Iterator[Path]:
    """A draft folder, whose files replace those of `folder` when the block ends without an error.

    Args:
        folder: created if needed; a new folder is removed again if the block fails.
        is_stale: whether a file of that name belongs to the old state and is deleted if it is not replaced.

    Raises:
        OptionError: another process has been replacing files for minutes.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(folder) as is_alone:
            finish(folder)
            if is_alone:
                _clear_drafts(folder)
            draft = folder / f"{_DRAFT}{token_hex(8)}"
            draft.mkdir()
            try:
                yield draft
                _commit(draft, folder, is_stale)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            finish(folder)
    except BaseException:
        if is_new:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        raise


def _commit(draft: Path, folder: Path, is_stale: Callable[[str], bool]) -> None:
    """Make the draft the pending folder."""
    new = sorted(path.name for path in draft.iterdir())
    old = [path.name for path in folder.iterdir() if path.is_file() and is_stale(path.name)]
    manifest = {"new": new, "gone": sorted(set(old) - set(new))}
    (draft / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    follow_umask(draft)
    for path in draft.iterdir():
        _sync(path)
    _sync(draft)
    draft.rename(folder / _PENDING)
    _sync(folder)


def finish(folder: Path) -> None:
    """Move pending files into place, if there are any."""
    pending = folder / _PENDING
    manifest = _manifest(folder)
    if not manifest["new"]:
        shutil.rmtree(pending, ignore_errors=True)  # all files are moved already
        return
    waiting = [name for name in manifest["new"] if os.path.lexists(pending / name)]
    for name in waiting:
        if not stat.S_ISREG((pending / name).lstat().st_mode):
            raise ConfigError(f"{str(pending / name)!r} is not a regular file: nothing is read or changed")
    for name in manifest["gone"]:
        (folder / name).unlink(missing_ok=True)
    for name in waiting:
        (pending / name).replace(folder / name)
    _sync(folder)
    shutil.rmtree(pending)


def current(folder: Path, name: str) -> Path:
    """The path of a file in the current state: the pending one first."""
    pending = folder / _PENDING / name
    return pending if os.path.lexists(pending) or name in _manifest(folder)["gone"] else folder / name


def _manifest(folder: Path) -> dict[str, list[str]]:
    """The names of pending and of obsolete files, if there are any."""
    path = folder / _PENDING / _MANIFEST
    nothing: dict[str, list[str]] = {"new": [], "gone": []}
    if not os.path.lexists(path):
        return nothing
    try:
        manifest = json.loads(_manifest_text(path))
        names = {kind: [str(name) for name in manifest[kind]] for kind in nothing}
    except FileNotFoundError:  # a concurrent save has just moved all files
        return nothing
    except ConfigError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{str(path)!r} is damaged; remove its folder to return to the previous save") from error
    if not all(_NAME.fullmatch(name) for name in (*names["new"], *names["gone"])):
        raise ConfigError(f"{str(path)!r} names files outside of its folder: nothing is read or changed")
    return names


def _manifest_text(path: Path) -> str:
    kinds = stat.S_IFMT(path.parent.lstat().st_mode), stat.S_IFMT(path.lstat().st_mode)
    if kinds != (stat.S_IFDIR, stat.S_IFREG):
        raise ConfigError(f"{str(path)!r} is a link or not a regular file: nothing is read or changed")
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise ValueError(f"more than {_LARGEST_MANIFEST:,} bytes")
    return path.read_text(encoding="utf-8")


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Keep other processes and threads from replacing files of a folder; False if its file system has no locks."""
    busy = OptionError(f"another process is saving into {str(folder)!r}; wait for it")
    with ExitStack() as stack:
        try:
            stack.enter_context(held(folder / _LOCK, busy, patience=_PATIENCE))
            is_alone = True
        except OSError:  # such as a network disk
            is_alone = False
        yield is_alone


def _clear_drafts(folder: Path) -> None:
    """Remove drafts of processes that were killed."""
    for draft in folder.glob(f"{_DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)


def _sync(path: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
