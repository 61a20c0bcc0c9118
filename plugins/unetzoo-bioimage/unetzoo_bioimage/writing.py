"""A result is written as OME-Zarr 0.5, level by level; ids as a label image."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal
from warnings import warn

import numpy as np
import zarr

from unetzoo import DataError, DataWarning, Grid
from unetzoo.data.formats import ResultArray
from unetzoo_bioimage.grids import axes_of, shifts_of, steps_of
from unetzoo_bioimage.stores import ome_attributes, open_group

_CHUNK = 1024  # pixels along an axis, and those of the coarsest level
_CREATOR = {"name": "unetzoo"}
_OPAQUE = 255


def check_target(path: Path) -> None:
    """Check whether a result may be written there: a folder is replaced if unetzoo wrote it as a result.

    Raises:
        DataError: the path is that of another folder, or labels were added to the result.
    """
    if not path.is_dir():
        return
    attributes = ome_attributes(open_group(path, str(path)))
    if attributes.get("_creator") != _CREATOR or (path / "labels").exists():
        raise DataError(f"{path} is not a result of unetzoo, or has labels, and is not replaced; name another folder")


def write_ome_zarr(path: Path, result: ResultArray) -> None:
    """Write a result with levels that halve rows and columns, of which each second pixel is taken.

    Axes are c, z, y and x; colors become channels. The scale and the place are those of the image.
    """
    letters = result.axes.removesuffix("S").lower()
    shape = result.shape
    if is_color := result.axes.endswith("S"):
        letters, shape = f"c{letters}", (shape[-1], *shape[:-1])
    group = zarr.create_group(path, zarr_format=3)
    array = new_array(group, "0", shape, result.dtype, letters)
    along = "z" if "z" in letters else "y"
    before = (slice(None),) * letters.index(along)
    for top, block in result.blocks(1 if along == "z" else _CHUNK):
        planes = np.moveaxis(block, -1, 0) if is_color else block
        array[(*before, slice(top, top + planes.shape[len(before)]))] = planes
    count = _add_levels(group, array, letters)
    group.attrs["ome"] = {
        "version": "0.5",
        "_creator": _CREATOR,
        "multiscales": [{"axes": axes_of(result.grid, letters), **_levels(result.grid, letters, count)}],
        **_label(result, letters),
    }


def new_array(
    group: Any,  # noqa: ANN401 - zarr's types depend on its version
    name: str,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    letters: Sequence[str],
    zarr_format: Literal[2, 3] = 3,
) -> Any:  # noqa: ANN401 - see above
    """An array of a group, in chunks of a plane."""
    chunks = tuple(1 if axis < len(shape) - 2 else min(_CHUNK, length) for axis, length in enumerate(shape))
    keys: Any = {"name": "default" if zarr_format == 3 else "v2", "separator": "/"}
    names = [*letters] if zarr_format == 3 else None
    return group.create_array(
        name, shape=tuple(shape), dtype=dtype, chunks=chunks, chunk_key_encoding=keys, dimension_names=names
    )


def fill(target: Any, source: Any, step: int = 1) -> None:  # noqa: ANN401 - see above
    """Copy each pixel, or of rows and columns each second one, chunk row by chunk row."""
    rows = target.shape[-2]
    for plane in np.ndindex(target.shape[:-2]):
        for top in range(0, rows, _CHUNK):
            bottom = min(top + _CHUNK, rows)
            band = source[(*plane, slice(step * top, step * bottom), slice(None))]
            target[(*plane, slice(top, bottom), slice(None))] = band[::step, ::step]


def _add_levels(group: Any, finest: Any, letters: str) -> int:  # noqa: ANN401 - see above
    """Write the coarser levels; the number of all."""
    array, count = finest, 1
    while max(array.shape[-2:]) > _CHUNK:
        shape = (*array.shape[:-2], *(-(-length // 2) for length in array.shape[-2:]))
        coarser = new_array(group, str(count), shape, array.dtype, letters)
        fill(coarser, array, 2)
        array, count = coarser, count + 1
    return count


def _levels(grid: Grid, letters: str, count: int) -> dict[str, Any]:
    """The datasets, whose first pixels are all at the same place."""
    steps, shifts = steps_of(grid, letters), shifts_of(grid, letters)
    if grid.crs or (grid.affine and not shifts):
        lost = "a coordinate system" if grid.crs else "turned or mirrored axes"
        warn(f"an .ome.zarr result keeps the size of its pixels, but not {lost}, which its image has", DataWarning, 3)

    def transformations(level: int) -> Iterator[dict[str, Any]]:
        scale = [step * 2**level if letter in "yx" else step for letter, step in zip(letters, steps, strict=True)]
        yield {"type": "scale", "scale": scale}
        if any(shifts):
            yield {"type": "translation", "translation": shifts}

    datasets = [{"path": str(level), "coordinateTransformations": [*transformations(level)]} for level in range(count)]
    return {"datasets": datasets, "type": "nearest"}


def _label(result: ResultArray, letters: str) -> dict[str, Any]:
    """What says that the pixels are ids, and their colors; nothing of other results."""
    if "c" in letters or result.dtype.kind not in "iu":
        return {}
    label: dict[str, Any] = {}
    if result.palette is not None:
        colors = np.asarray(result.palette).tolist()
        label["colors"] = [{"label-value": value, "rgba": [*rgb, _OPAQUE]} for value, rgb in enumerate(colors)]
    if result.nodata is not None:
        label["properties"] = [{"label-value": int(result.nodata), "name": "no data"}]
    return {"image-label": label}
