"""Write a finished result into its file, completely or not at all."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.table import FORMAT_OF, writer_of
from unetzoo.data.formats.zarr import SUFFIX, is_zarr_array, need_zarr
from unetzoo.errors import DataError
from unetzoo.inference.files.looks import EncodedResult, Look
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.records import write_record


def check_target(target: Path, *, probabilities: bool) -> None:
    """Raise DataError unless the format of `target` can hold the result, and the result may replace it.

    A folder is only replaced if it is a Zarr array: a group may hold other arrays.

    Raises:
        MissingExtraError: the format needs zarr.
    """
    writer_of(target)
    format_ = FORMAT_OF[target.suffix.lower()]
    if probabilities and not format_.holds_arrays:
        raise DataError(f"{target}: a {format_.name} holds class ids; for probabilities choose .tif, .npy or .zarr")
    is_zarr = target.suffix.lower() == SUFFIX
    if is_zarr:
        need_zarr("writing .zarr")
    if target.is_dir() and not (is_zarr and is_zarr_array(target)):
        raise DataError(f"{target} is a folder, not a Zarr array, and is not replaced; name another one for the result")


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
        writer_of(target)(EncodedResult(result, look, grid), draft)
        write_record(target, draft, made_of, classes)
        _put(draft, target)
    finally:
        _remove(draft)


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
