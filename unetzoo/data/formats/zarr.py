"""Zarr arrays and groups of OME-Zarr: folders that are read and written by chunks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unetzoo._utils.extras import need
from unetzoo.data.formats.content import Known
from unetzoo.data.formats.limits import check_backed, least_stored
from unetzoo.data.formats.tiff import axes_of
from unetzoo.data.formats.windows import Rows, Windows, check_chunks, nameless_windows
from unetzoo.errors import DataError, describe_error

SUFFIX = ".zarr"
_FILES = ("zarr.json", ".zarray", ".zgroup")
_CHUNK = 1024  # pixels along an axis


def is_zarr(path: Path) -> bool:
    """Whether a path is named like a Zarr array or group, or is one."""
    return path.suffix.lower() == SUFFIX or any((path / name).is_file() for name in _FILES)


def is_zarr_array(path: Path) -> bool:
    """Whether a folder is an array, and not a group, which may hold other arrays."""
    zarr = need_zarr("writing .zarr")
    try:
        return isinstance(zarr.open(path, mode="r"), zarr.Array)
    except Exception:  # zarr's own, of many kinds, for a folder that is neither array nor group
        return False


def need_zarr(purpose: str) -> Any:  # noqa: ANN401 - an extra
    """The module zarr; raises MissingExtraError without it."""
    need("zarr", purpose, "zarr")
    import zarr

    return zarr


@contextmanager
def zarr_windows(path: Path, known: Known) -> Iterator[Windows]:
    """The windows of an array, or of the finest level of a group.

    Raises:
        DataError: it does not exist, cannot be read, or announces more than it holds or than fits in memory.
        MissingExtraError: zarr is not installed.
    """
    zarr = need_zarr(f"reading {path} by blocks")
    if not path.exists():
        raise DataError(f"there is no {path}")
    try:
        opened = zarr.open(path, mode="r")
        name, axes = _finest(opened) if isinstance(opened, zarr.Group) else ("", "")
        array = opened[name] if name else opened
    except Exception as error:
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    check_backed(str(path), array.nbytes, _stored(path, least_stored(array.nbytes)))
    check_chunks(array, str(path))
    if len(axes) == array.ndim:
        yield Windows(array, axes_of(axes, array.shape, str(path), known), str(path))
    else:
        yield nameless_windows(array, path, known)


def write_zarr(rows: Rows, path: Path) -> None:
    """Write rows as a Zarr array."""
    axis = rows.row_axis
    chunks = [1] * axis + [min(_CHUNK, length) for length in rows.shape[axis:]]
    zarr = need_zarr("writing .zarr")
    array = zarr.create_array(path, shape=rows.shape, chunks=chunks, dtype=rows.dtype)
    for top, block in rows.blocks(_CHUNK):
        array[(slice(None),) * axis + (slice(top, top + block.shape[axis]),)] = block


def _stored(path: Path, enough: int) -> int:
    """Bytes of the files in a folder, counted until they are enough."""
    total = 0
    for folder, _, names in os.walk(path):
        if total >= enough:
            break
        total += sum(Path(folder, name).lstat().st_size for name in names)
    return total


def _finest(group: Any) -> tuple[str, str]:  # noqa: ANN401 - as above
    """The path of the finest level in a group, and its axes, a letter each, by the metadata of OME-Zarr."""
    attributes = dict(group.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if not scales:
        raise DataError("it is a group of arrays without the multiscales of OME-Zarr; give one of its arrays")
    axes = [axis.get("name", "") if isinstance(axis, dict) else str(axis) for axis in scales[0].get("axes", [])]
    letters = "".join(axes).upper() if all(len(name) == 1 for name in axes) else ""
    return str(scales[0]["datasets"][0]["path"]), letters
