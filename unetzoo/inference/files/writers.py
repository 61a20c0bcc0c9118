"""Write a finished result into its file, completely or not at all."""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.table import check_target as check_format
from unetzoo.data.formats.table import endings_that_store, format_written, say_format, write
from unetzoo.errors import DataError, UnetzooError, describe_error
from unetzoo.inference.files.looks import EncodedResult, Look, Rows
from unetzoo.inference.files.partial import PartialResult, Plane
from unetzoo.inference.files.records import write_record
from unetzoo.specs import FormatSpec


def check_target(target: Path, *, probabilities: bool, is_volume: bool = False) -> None:
    """Raise DataError unless the format of `target` can hold the result, and the result may replace it.

    Raises:
        MissingExtraError: the format needs a package that is not installed.
    """
    spec = check_format(target)
    if is_volume and "arrays" not in spec.stores:
        raise DataError(f"{target}: the format {spec.name} holds no volumes; choose {endings_that_store('arrays')}")
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


def check_folder_target(target: Path, names: Collection[str] = ()) -> None:
    """Raise DataError if a folder of files with these names would replace anything else."""
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file; the files of classes become a folder: name another one")
    others = [path.name for path in target.iterdir() if path.name not in names] if target.is_dir() and names else []
    if others:
        raise DataError(f"{target} holds {others[0]}, which is not a file of a class: name another folder")


def write_planes(
    result: PartialResult,
    target: Path,
    made_of: Mapping[str, Any],
    look: Look,
    names: Sequence[str],
    *,
    grid: Grid = NO_GRID,
) -> None:
    """Write each plane into a file with its name in the folder `target`, as `write_result` does all of them."""
    check_folder_target(target, names)
    draft = target.with_name(f".{target.name}.writing")
    _remove(draft)
    try:
        draft.mkdir()
        for number, name in enumerate(names):
            spec = format_written(draft / name)
            with _explained(target / name, spec):
                write(draft / name, EncodedResult(Plane(result, number), look, grid), spec)
        write_record(target, draft, made_of)
        _put(draft, target)
    finally:
        _remove(draft)


def write_result(
    result: Rows,
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
