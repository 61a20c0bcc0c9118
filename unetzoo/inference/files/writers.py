"""Write a finished result as the file that was asked for: whole, or not at all."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unetzoo.data.formats.table import FORMAT_OF, writer_of
from unetzoo.data.formats.zarr import SUFFIX, is_zarr_array, need_zarr
from unetzoo.errors import DataError
from unetzoo.inference.files.looks import Look, Shown
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.records import write_record


def check_target(target: Path, *, probabilities: bool) -> None:
    """Raise DataError unless the ending of `target` says a format that can hold the result, which may take its place.

    A folder is replaced only where it is a Zarr array: a group may hold other arrays.

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


def write_result(result: PartialResult, target: Path, made_of: Mapping[str, Any], look: Look) -> None:
    """Write all rows, as they shall look, into `target`, in the format of its ending.

    The file has another name until it is complete.
    What it is made of is written down before it takes its place: whoever is killed in between is known to be at it by
    the rows, which are removed last.
    """
    draft = target.with_name(f".{target.name}.writing")
    _remove(draft)
    try:
        writer_of(target)(Shown(result, look), draft)
        write_record(target, draft, made_of)
        _put(draft, target)
    finally:
        _remove(draft)


def _put(draft: Path, target: Path) -> None:
    """Let a file or a folder take the place of another one, which stays where that fails."""
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
