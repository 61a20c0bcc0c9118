"""Volumes in TIFF: a page for each slice, perhaps with channels."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
import tifffile

from unetzoo.data.formats.axes import image_shape, read_window, volume_axes
from unetzoo.data.formats.content import Content, Pixels
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.raster import Raster, ResultArray, Window
from unetzoo.data.formats.tiff_file import compression_explained
from unetzoo.data.formats.tiff_page import as_bytes, as_shown, keeps_values, page_marks, page_nodata
from unetzoo.data.masks.forms import PLAIN
from unetzoo.errors import DataWarning


def volume_of(pages: Sequence[Any], series: Any, file: Any, content: Content, grid: Grid) -> Raster:  # noqa: ANN401 - of tifffile, which has no types
    """The volume (d, h, w, c) of a file, which is decoded as a whole.

    Args:
        pages: single ones (h, w) that are alike, each a slice; empty: the series has all slices.
        series: the largest one of the file.
        file: opened by tifffile.
        content: of the file.
        grid: of the file.

    Raises:
        DataError: it has no slices, or further axes, or more pixels than the memory holds.
    """
    axes, shape = ("ZYX", (len(pages), *pages[0].shape)) if pages else (series.axes, series.shape)
    order = volume_axes(axes, shape, content.name)
    page, is_mask = series.keyframe, content.role == "mask"

    def decode() -> Pixels:
        check_memory(content.name, 2 * int(np.prod(shape, dtype=object)) * page.dtype.itemsize)
        with compression_explained(content.name):
            stored = np.stack([each.asarray() for each in pages]) if pages else np.asarray(series.asarray())
        pixels = read_window(stored, order, (slice(None),) * 3)
        pixels = pixels if is_mask and keeps_values(file) else as_shown(page, pixels)
        return pixels if is_mask else as_bytes(pixels)

    voxels = cache(decode)

    def read(window: Window) -> Pixels:
        return voxels()[window]

    return Raster(
        shape=image_shape(shape, order, is_volume=True),
        dtype=np.dtype(np.uint8) if page.dtype.kind == "b" and not is_mask else np.dtype(page.dtype),
        read=read,
        grid=Grid(axes=grid.axes, nodata=page_nodata(page), keys=grid.keys),
        marks=page_marks(page) if is_mask else PLAIN,
    )


def write_volume(path: Path, result: ResultArray) -> None:
    """Write a volume as a stack of ImageJ, with the distances between voxels where they are known."""
    if result.grid.has_place:
        warn("a TIFF result cannot say where a volume lies, which its source says", DataWarning, 2)
    planes = result.shape[0] if result.axes == "CZYX" else 1
    metadata, resolution = _distances(result.grid)
    with tifffile.TiffWriter(path, imagej=True) as writer:
        writer.write(
            _pages(result),
            shape=(result.shape[-3], *([planes] if planes > 1 else []), *result.shape[-2:]),
            dtype=result.dtype,
            compression="zlib",
            metadata={"axes": "ZCYX" if planes > 1 else "ZYX", **metadata},
            resolution=resolution,
        )


def _distances(grid: Grid) -> tuple[dict[str, Any], tuple[float, float] | None]:
    """Metadata of ImageJ, and pixels per unit along x and y; empty and None where they are not known."""
    steps = {axis.name: axis.step for axis in grid.axes if axis.step and axis.unit}
    metadata: dict[str, Any] = {"unit": grid.axes[-1].unit} if {*"yx"} <= {*steps} else {}
    if metadata and "z" in steps:
        metadata["spacing"] = steps["z"]
    return metadata, (1 / steps["x"], 1 / steps["y"]) if metadata else None


def _pages(result: ResultArray) -> Iterator[Pixels]:
    """The pages (h, w) of a volume, slice by slice, and of each slice plane by plane."""
    for _, block in result.blocks(1):
        yield from np.ascontiguousarray(block.reshape(-1, *block.shape[-2:]))
