"""Write a finished result into its file, completely or not at all."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.table import check_target as check_format
from unetzoo.data.formats.table import endings_that_store, format_written, say_format, write
from unetzoo.errors import DataError, UnetzooError, describe_error
from unetzoo.inference.files.looks import EncodedResult, Look
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.records import write_record
from unetzoo.specs import FormatSpec


def check_target(target: Path, *, probabilities: bool) -> None:
    """Raise DataError unless the format of `target` can hold the result, and the result may replace it.

    Raises:
        MissingExtraError: the format needs a package that is not installed.
    """
    spec = check_format(target)
    if probabilities and "arrays" not in spec.stores:
        raise DataError(
            f"{target}: the format {spec.name} holds class ids alone; for probabilities choose "
            f"{endings_that_store('arrays')}"
        )


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it; raises DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder {folder}: {error.strerror}") from error


def write_result(
    result: PartialResult,
    target: Path,
    made_of: Mapping[str, Any],
    look: Look,
    *,
    grid: Grid = NO_GRID,
    classes: Sequence[int] = (),
) -> None:
    """Write all rows into `target`, in the format of its ending, and the classes of its objects into its record.

    The pixels lie on `grid`, if the format can say so.

    The file has another name until it is complete. Its record is written before it replaces the target; the rows, which
    are removed last, tell that a process was killed in between.
    """
    draft = target.with_name(f".{target.name}.writing")
    _remove(draft)
    try:
        spec = format_written(target)
        with _explained(target, spec):
            write(draft, EncodedResult(result, look, grid), spec)
        write_record(target, draft, made_of, classes)
        _put(draft, target)
    finally:
        _remove(draft)


@contextmanager
def _explained(target: Path, spec: FormatSpec) -> Iterator[None]:
    """Raise DataError for whatever the writer of a format raises but for errors of the project and of the disk."""
    try:
        yield
    except (UnetzooError, OSError):
        raise
    except Exception as error:  # a plugin's writer raises nearly anything
        raise DataError(f"cannot write {target}: its {say_format(spec)} raises {describe_error(error)}") from error


def _put(draft: Path, target: Path) -> None:
    """Replace a file or a folder by the draft; it stays if that fails."""
    if not target.is_dir():
        draft.replace(target)
        return
    old = target.with_name(f".{target.name}.old")
    _remove(old)
    target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
