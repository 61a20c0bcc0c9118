"""OME-Zarr 0.1 to 0.5 is read by windows, level by level."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from unetzoo import DataError, Raster
from unetzoo.data.formats import Content, Window, check_zarr
from unetzoo_bioimage.grids import grid_of
from unetzoo_bioimage.multiscales import Level, Multiscale, multiscale_of
from unetzoo_bioimage.stores import image_group, ome_attributes

_PLURALS = {"t": "times"}


@contextmanager
def open_ome_zarr(content: Content) -> Iterator[Raster]:
    """The first multiscale image of a folder, with its levels.

    An image (h, w, c) if it has no axis z or that of one slice, else a volume (d, h, w, c).

    Raises:
        DataError: it has several times or further axes, its metadata are invalid, it announces more than it holds or
            than fits in memory, or leads out of its folder.
    """
    name = content.name
    folder = content.file()
    group = image_group(folder, name)
    image = multiscale_of(ome_attributes(group), name)
    arrays = [_array(group, level, image, name) for level in image.levels]
    for array, level in zip(arrays, image.levels, strict=True):
        check_zarr(array, folder / group.path / level.path, name, content.role)
    order = _order(image, arrays[0], name)
    finest, *coarser = [_raster(array, image, level, order) for array, level in zip(arrays, image.levels, strict=True)]
    _check_levels([finest, *coarser], name)
    yield replace(finest, levels=tuple(coarser))


def _array(group: Any, level: Level, image: Multiscale, name: str) -> Any:  # noqa: ANN401 - zarr's
    try:
        array = group[level.path]
    except KeyError as error:
        raise DataError(f"{name} cannot be read: it announces the level {level.path}, which is missing") from error
    if not isinstance(array, zarr.Array) or array.ndim != len(image.axes):
        raise DataError(f"{name} cannot be read: its level {level.path} has other axes than {', '.join(image.axes)}")
    return array


def _order(image: Multiscale, array: Any, name: str) -> tuple[int, ...]:  # noqa: ANN401 - zarr's
    """The numbers of the axes of space; of z only where there are several slices."""
    lengths = dict(zip(image.axes, array.shape, strict=True))
    others = [axis for axis, length in lengths.items() if axis not in "czyx" and length != 1]
    if others:
        counts = " and ".join(f"{lengths[axis]} {_PLURALS.get(axis, f'elements along {axis}')}" for axis in others)
        raise DataError(
            f"{name} has {counts} (axes {', '.join(image.axes)}, {tuple(array.shape)}), and one is read; store each as "
            "an image of its own"
        )
    space = ("z", "y", "x") if lengths.get("z", 1) > 1 else ("y", "x")
    return tuple(image.axes.index(axis) for axis in space)


def _raster(array: Any, image: Multiscale, level: Level, order: tuple[int, ...]) -> Raster:  # noqa: ANN401 - zarr's
    channel = image.axes.index("c") if "c" in image.axes else None
    channels = 1 if channel is None else array.shape[channel]

    def read(window: Window) -> NDArray[Any]:
        index: list[slice | int] = [0] * array.ndim
        for axis, part in zip(order, window, strict=True):
            index[axis] = part
        if channel is not None:
            index[channel] = slice(None)
        kept = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
        pixels = np.asarray(array[tuple(index)])
        shown = pixels.transpose([kept.index(axis) for axis in (*order, *([] if channel is None else [channel]))])
        return shown if channel is not None else shown[..., None]

    return Raster(
        shape=(*(array.shape[axis] for axis in order), channels),
        dtype=array.dtype,
        read=read,
        grid=grid_of(image, level, order, channels),
        block=tuple(array.chunks[axis] for axis in order),
    )


def _check_levels(rasters: list[Raster], name: str) -> None:
    """Raise DataError unless each level is coarser than the one before, and has the same type and channels."""
    for finer, coarser in pairwise(rasters):
        alike = (finer.dtype, finer.shape[-1]) == (coarser.dtype, coarser.shape[-1])
        if not alike or coarser.nbytes >= finer.nbytes:
            raise DataError(
                f"{name} cannot be read: after a level of {finer.dtype} {finer.shape} the next must be coarser, but is "
                f"{coarser.dtype} {coarser.shape}"
            )
