"""Files that appear whole or not at all."""

import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile

from unetzoo.errors import WriteError, describe_error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A draft beside a file; it takes the file's place at the end, unless something was raised.

    Whatever writes the draft, others may read the file as the umask says.

    Raises:
        WriteError: the file cannot be written; what was there before is still there.
    """
    draft = path.with_name(f".{token_hex(8)}.part")
    try:
        mode = _usual_mode(draft)
        yield draft
        draft.chmod(mode)
        draft.replace(path)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or describe_error(error)}") from error
    finally:
        _remove(draft)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A draft beside a new folder; it becomes that folder at the end, unless something was raised.

    Raises:
        WriteError: it cannot be written, or has files; these are still there.
    """
    draft = path.absolute().with_name(f".{token_hex(8)}.part")
    try:
        draft.mkdir(parents=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or describe_error(error)}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_new_folder(path: Path) -> None:
    """Raise WriteError, before the work is done, if a folder exists and is not empty, or is a file."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        raise WriteError(f"{path} exists already, and is not replaced: name a new folder")


def follow_umask(folder: Path) -> None:
    """Let others read the files of a folder as the umask says; safetensors writes them for their owner alone."""
    probe = folder / f".{token_hex(8)}"
    mode = _usual_mode(probe)
    probe.unlink()
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)


def _usual_mode(new: Path) -> int:
    """Make an empty file: its mode is what the umask (or the folder) has for one."""
    new.touch(exist_ok=False)
    return stat.S_IMODE(new.stat().st_mode)


def _remove(draft: Path) -> None:
    try:
        draft.unlink(missing_ok=True)
    except OSError:  # e.g. the parent is not a directory; the error above already reports it
        return


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        WriteError: as `whole_file`.
    """
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # names of files may be of other bytes


def check_place(path: Path) -> None:
    """Ask, before the work is done, whether a file can be written there.

    Raises:
        WriteError: its folder does not exist or cannot be written to, or it is a folder.
    """
    if not path.parent.is_dir():
        raise WriteError(f"cannot write {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise WriteError(f"cannot write {path}: it is a folder; name a file")
    try:
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror}") from error
