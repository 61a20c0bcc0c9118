"""Zarr arrays and groups of OME-Zarr: folders that are read and written by chunks."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo._utils.extras import need
from unetzoo.data.formats.axes import (
    image_shape,
    named_axes,
    nameless_axes,
    nameless_volume_axes,
    read_window,
    volume_axes,
)
from unetzoo.data.formats.content import Content, Role
from unetzoo.data.formats.limits import check_backed, check_memory, least_stored
from unetzoo.data.formats.raster import Raster, ResultArray
from unetzoo.errors import DataError

_CHUNK = 1024  # pixels along an axis


def check_zarr_target(path: Path) -> None:
    """Check whether a result may be written there: an array is replaced, but no group, which may hold other arrays.

    Raises:
        DataError: the path is that of another folder.
        MissingExtraError: zarr is not installed.
    """
    zarr = need_zarr("writing .zarr")
    if path.is_dir() and not _is_array(path, zarr):
        raise DataError(f"{path} is a folder, not a Zarr array, and is not replaced; name another one for the result")


def _is_array(path: Path, zarr: Any) -> bool:  # noqa: ANN401 - an extra
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
def open_zarr(content: Content) -> Iterator[Raster]:
    """An array, or the finest level of a group.

    Raises:
        DataError: it announces more than it holds or than fits in memory, or is not an image.
        MissingExtraError: zarr is not installed.
    """
    path, name = content.file(), content.name
    zarr = need_zarr(f"reading {name} by blocks")
    opened = zarr.open(path, mode="r")
    inner, axes = _finest(opened, name) if isinstance(opened, zarr.Group) else ("", "")
    array = opened[inner] if inner else opened
    check_zarr(array, path, name, content.role)
    if array.dtype.kind not in "buif":
        raise DataError(f"{name}: pixels must be numbers, but these are {array.dtype}")
    order, is_volume = _order(array, axes, content), content.known.is_volume
    yield Raster(
        shape=image_shape(array.shape, order, is_volume=is_volume),
        dtype=array.dtype,
        read=partial(read_window, array, order),
        block=image_shape(array.chunks, order, is_volume=is_volume)[:-1],
    )


def _order(array: Any, axes: str, content: Content) -> tuple[int, ...]:  # noqa: ANN401 - an extra
    """The numbers of the axes of space and channels of an array whose axes have these names, or none."""
    shape, name, known = array.shape, content.name, content.known
    if known.is_volume:
        return volume_axes(axes, shape, name) if len(axes) == len(shape) else nameless_volume_axes(shape, name)
    return named_axes(axes, shape, name, known) if len(axes) == len(shape) else nameless_axes(shape, name, known)


def write_zarr(path: Path, result: ResultArray) -> None:
    """Write a result as a Zarr array."""
    axis, rows = result.axes.index("Z" if "Z" in result.axes else "Y"), _CHUNK if "Z" not in result.axes else 1
    chunks = [1] * (len(result.shape) - 2) + [min(_CHUNK, length) for length in result.shape[-2:]]
    zarr = need_zarr("writing .zarr")
    array = zarr.create_array(path, shape=result.shape, chunks=chunks, dtype=result.dtype)
    for top, block in result.blocks(rows):
        array[(slice(None),) * axis + (slice(top, top + block.shape[axis]),)] = block


def check_zarr(array: Any, folder: Path, name: str, role: Role = "image") -> None:  # noqa: ANN401 - an extra
    """Check what an array of Zarr announces before any of its chunks is read.

    Args:
        array: that is opened.
        folder: in which its chunks lie.
        name: of the image, for the error.
        role: a mask may have few bytes or none, since Zarr stores no empty chunks.

    Raises:
        DataError: an image has far too few bytes for its pixels, or a chunk does not fit in memory.
    """
    if role == "image":
        announced = math.prod(array.shape) * array.dtype.itemsize  # its own nbytes wraps around
        check_backed(name, announced, _stored(folder, least_stored(announced)))
    check_chunks(array, name)


def check_chunks(array: Any, name: str) -> None:  # noqa: ANN401 - zarr is an extra
    """Raise DataError if the chunks in which an array is stored are themselves too large for the memory."""
    sizes = (min(chunk, length) for chunk, length in zip(array.chunks, array.shape, strict=True))
    size = int(np.prod([*sizes], dtype=object))
    check_memory(name, 2 * size * array.dtype.itemsize)


def _stored(path: Path, enough: int) -> int:
    """Bytes of the files in a folder, counted until they are enough."""
    total = 0
    for folder, _, names in os.walk(path):
        if total >= enough:
            break
        total += sum(Path(folder, name).lstat().st_size for name in names)
    return total


def _finest(group: Any, name: str) -> tuple[str, str]:  # noqa: ANN401 - as above
    """The path of the finest level in a group, and its axes, a letter each, by the metadata of OME-Zarr."""
    attributes = dict(group.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if not scales:
        raise DataError(
            f"{name} cannot be read: it is a group of arrays without the multiscales of OME-Zarr; give one of its "
            "arrays"
        )
    axes = [axis.get("name", "") if isinstance(axis, dict) else str(axis) for axis in scales[0].get("axes", [])]
    letters = "".join(axes).upper() if all(len(axis) == 1 for axis in axes) else ""
    return str(scales[0]["datasets"][0]["path"]), letters
