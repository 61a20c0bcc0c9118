"""Replace files of a folder all together: a kill at any moment leaves all old ones or all new ones.

New files are written into a draft folder, which is renamed to a pending one: that moment decides. Then they are moved
to their places one by one. Whoever looks before all are moved takes the pending ones, so that it sees the new state.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from unetzoo.errors import ConfigError

_PENDING = ".unetzoo-pending"
_DRAFT = ".unetzoo-draft-"
_MANIFEST = "files.json"


@contextmanager
def replacing(folder: Path, is_stale: Callable[[str], bool]) -> Iterator[Path]:
    """Give a draft folder whose files replace those of `folder` when the block ends without an error.

    Args:
        folder: made where it does not exist.
        is_stale: tells whether a file of that name belongs to the old state and must go if it is not replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    finish(folder)
    _clear_drafts(folder)
    draft = folder / f"{_DRAFT}{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        new = sorted(path.name for path in draft.iterdir())
        old = [path.name for path in folder.iterdir() if path.is_file() and is_stale(path.name)]
        manifest = {"new": new, "gone": sorted(set(old) - set(new))}
        (draft / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        for path in draft.iterdir():
            _sync(path)
        _sync(draft)
        draft.rename(folder / _PENDING)
        _sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    finish(folder)


def finish(folder: Path) -> None:
    """Move files that are still pending to their places; does nothing where none are."""
    pending = folder / _PENDING
    if not _manifest(folder)["new"]:
        shutil.rmtree(pending, ignore_errors=True)  # all was moved, but for the empty folder
        return
    manifest = _manifest(folder)
    for name in manifest["gone"]:
        (folder / name).unlink(missing_ok=True)
    for name in manifest["new"]:
        if (pending / name).exists():
            (pending / name).replace(folder / name)
    _sync(folder)
    shutil.rmtree(pending)


def current(folder: Path, name: str) -> Path:
    """Where the file of that name is now, if it is: the pending one before the one in its place."""
    pending = folder / _PENDING / name
    return pending if pending.exists() or name in _manifest(folder)["gone"] else folder / name


def _manifest(folder: Path) -> dict[str, list[str]]:
    """The names of what is pending, and of what must go; both empty where nothing is."""
    path = folder / _PENDING / _MANIFEST
    if not path.is_file():
        return {"new": [], "gone": []}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = {kind: [str(name) for name in found[kind]] for kind in ("new", "gone")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{str(path)!r} is damaged; remove its folder to go back to what was saved before") from error
    if any(Path(name).name != name for name in (*names["new"], *names["gone"])):
        raise ConfigError(f"{str(path)!r} names files outside of its folder: nothing is read or changed")
    return names


def _clear_drafts(folder: Path) -> None:
    """Remove what processes left that are no more."""
    for draft in folder.glob(f"{_DRAFT}*"):
        process = draft.name.removeprefix(_DRAFT)
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(draft, ignore_errors=True)


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return process != os.getpid()  # elsewhere one cannot ask without a signal
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync(path: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
