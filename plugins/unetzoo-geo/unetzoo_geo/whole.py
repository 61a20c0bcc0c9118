"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unetzoo import DataError, WriteError


def check_new(path: Path, endings: tuple[str, ...], *, overwrite: bool) -> None:
    """Raise DataError unless a file with one of the endings may be written there."""
    if path.suffix.lower() not in endings:
        raise DataError(f"{path} has none of the endings that can be written: {', '.join(endings)}")
    if path.is_dir() or (path.exists() and not overwrite):
        raise DataError(f"{path} is there already; name another file, or choose --overwrite to replace it")
    if not path.parent.is_dir():
        raise DataError(f"there is no folder {path.parent} for {path.name}")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A draft beside a file, with its ending; it takes the file's place at the end, unless something was raised.

    Raises:
        WriteError: the file cannot be written.
    """
    draft = path.with_name(f".{path.stem}.writing{path.suffix}")
    draft.unlink(missing_ok=True)
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
