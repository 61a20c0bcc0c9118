"""TIFF of any depth, read by tifffile: as a whole, or, with zarr, by windows; and written by tiles."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
import tifffile

from unetzoo._utils.extras import need
from unetzoo.data.formats.axes import doubt_of_axes, image_shape, named_axes, paged_axes, read_window, stacked
from unetzoo.data.formats.content import Content, Pixels
from unetzoo.data.formats.grid import Grid, coarser
from unetzoo.data.formats.limits import WHOLE_BYTES, check_memory
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.formats.raster import Raster, ResultArray, Window, full_palette, is_whole, planes_of
from unetzoo.data.formats.tiff_file import alike_pages, compression_explained, largest_series, open_file
from unetzoo.data.formats.tiff_grid import file_grid, grid_tags, lost_of, resolution_of
from unetzoo.data.formats.tiff_page import (
    as_bytes,
    as_colors,
    as_shown,
    has_palette,
    is_shown_as_stored,
    keeps_values,
    page_marks,
    page_nodata,
    page_orientation,
)
from unetzoo.data.formats.tiff_stack import volume_of, write_volume
from unetzoo.data.formats.zarr import check_chunks
from unetzoo.data.masks.forms import PLAIN
from unetzoo.errors import DataError, DataWarning

_TILE = 512  # pixels
_LARGE = 2**31  # bytes: 4 GB and more are for BigTIFF alone, and narrow images fill their tiles badly


@contextmanager
def open_tiff(content: Content) -> Iterator[Raster]:
    """The largest image of a file, of a pyramid its finest level. Pages that are alike are channels, or slices.

    Unless a volume is expected, in a mask slices and times are refused, since planes of a mask are classes.

    Raises:
        DataError: it has more axes, or announces more than it can hold, or than the memory can.
        MissingExtraError: its compression needs imagecodecs, or windows of a large file need zarr.
    """
    with open_file(content) as file:
        pages = alike_pages(file)
        series = largest_series(file)
        grid = file_grid(file, series)
        if content.known.is_volume:
            yield volume_of(pages, series, file, content, grid)
        else:
            yield _of_pages(pages, content, grid) if pages else _of_series(series, file, content, grid)


def _of_pages(pages: list[Any], content: Content, grid: Grid) -> Raster:
    """Pages (h, w) that are channels; or, if their mask says so, rows (w, c) of an image."""
    page = pages[0]
    stored = (len(pages), *page.shape)
    order = paged_axes(stored, content.name, content.known, by_shape=False)
    nodata = {_shown_nodata(each, content) for each in pages}
    is_common = len(nodata) == 1

    def decode() -> Pixels:
        check_memory(content.name, 2 * sum(each.nbytes for each in pages))
        with compression_explained(content.name):
            planes = [_shown(each, each.asarray(), content, masked=not is_common) for each in pages]
        stack = np.ma.stack if any(map(np.ma.is_masked, planes)) else np.stack
        return stack(planes).transpose(order)

    pixels = cache(decode)
    return Raster(
        shape=image_shape(stored, order),
        dtype=_dtype(page, content),
        read=lambda window: pixels()[window],
        grid=replace(grid, nodata=nodata.pop() if is_common else ()),
        orientation=page_orientation(page),
        doubt=doubt_of_axes("IYX", stored, order),
    )


def _of_series(series: Any, file: Any, content: Content, grid: Grid) -> Raster:  # noqa: ANN401 - of tifffile, which has no types
    """A series of pages with names for its axes, or a level of it."""
    page = series.keyframe
    order = named_axes(series.axes, series.shape, content.name, content.known)
    if content.role == "mask" and (many := stacked(series.axes, series.shape)):
        raise DataError(
            f"{content.name} is a mask of {many}, which are not classes; if it is a volume, say slices=1 (--slices 1); "
            "else store each with its image as files of its own, or name the axis C if its planes are the classes"
        )
    height, width, channels = image_shape(series.shape, order)

    def level_grid(level: Any) -> Grid:  # noqa: ANN401 - as above
        rows, columns, _ = image_shape(level.shape, order)
        return coarser(grid, (height / rows, width / columns))

    is_colored = content.role == "image" and has_palette(page)
    return Raster(
        shape=(height, width, 3 if is_colored else channels),
        dtype=np.dtype(np.uint8) if is_colored else _dtype(page, content),
        read=_reader(series, order, file, content),
        grid=replace(grid, nodata=() if is_colored else _shown_nodata(page, content)),
        block=_block(page, content, height, width),
        levels=tuple(_of_series(level, file, content, level_grid(level)) for level in series.levels[1:]),
        orientation=page_orientation(page),
        marks=page_marks(page) if content.role == "mask" else PLAIN,
        doubt=doubt_of_axes(series.axes, series.shape, order),
    )


def _reader(series: Any, order: tuple[int, ...], file: Any, content: Content) -> Callable[[Window], Pixels]:  # noqa: ANN401 - see above
    """Reads windows: the whole image is decoded by tifffile, a part of it by zarr where pixels are stored as shown."""
    page, size = series.keyframe, image_shape(series.shape, order)
    keeps = content.role == "mask" and keeps_values(file)

    def decode() -> Pixels:
        check_memory(content.name, 2 * series.nbytes)
        with compression_explained(content.name):
            pixels = read_window(np.asarray(series.asarray()), order, (slice(None), slice(None)))
        if keeps:
            return pixels
        pixels = _shown(page, pixels, content, masked=not _shown_nodata(page, content))
        return as_colors(page, pixels[..., 0]) if content.role == "image" and has_palette(page) else pixels

    whole, opened = cache(decode), cache(partial(_zarr_array, series, content))

    def read(window: Window) -> Pixels:
        if is_whole(window, size) or not _is_windowed(page, content):
            return whole()[window]
        pixels = read_window(opened(), order, window)
        return as_bytes(pixels) if content.role == "image" else pixels

    return read


def _block(page: Any, content: Content, height: int, width: int) -> tuple[int, ...]:  # noqa: ANN401 - see above
    """The sides of a tile or strip; empty: windows are those of the whole image, which is decoded."""
    if not _is_windowed(page, content):
        return ()
    return (page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, height), width)


def _is_windowed(page: Any, content: Content) -> bool:  # noqa: ANN401 - see above
    """Whether a window can be read alone, by zarr; of a mask the indices of a palette are its values."""
    is_index = content.role == "mask" and has_palette(page) and page_orientation(page) == 1
    return (is_index or is_shown_as_stored(page)) and (_has_zarr() or content.size > WHOLE_BYTES)


@cache
def _has_zarr() -> bool:
    return find_spec("zarr") is not None


def _zarr_array(series: Any, content: Content) -> Any:  # noqa: ANN401 - see above
    """The array of a series, whose chunks are decoded as they are read; raises MissingExtraError without zarr."""
    need("zarr", f"reading {content.name} by blocks", "zarr")
    import zarr

    array = zarr.open_array(series.aszarr(level=0), mode="r")
    check_chunks(array, content.name)
    return array


def _dtype(page: Any, content: Content) -> np.dtype[Any]:  # noqa: ANN401 - see above
    is_bits = content.role == "image" and page.dtype.kind == "b"
    return np.dtype(np.uint8) if is_bits else np.dtype(page.dtype)


def _shown(page: Any, pixels: Pixels, content: Content, *, masked: bool) -> Pixels:  # noqa: ANN401 - see above
    """Pixels of which 0 is black; of an image those of one bit are 0 and 255."""
    if content.role == "mask":
        return as_shown(page, pixels)
    if masked:
        pixels = masked_values(pixels, page_nodata(page))
    return as_bytes(as_shown(page, pixels))


def _shown_nodata(page: Any, content: Content) -> tuple[float, ...]:  # noqa: ANN401 - see above
    """The value for no data of an image whose pixels are values as stored."""
    counts = content.role == "image" and is_shown_as_stored(page) and page.dtype.kind != "b"
    return page_nodata(page) if counts else ()


def write_tiff(path: Path, result: ResultArray) -> None:
    """Write a result as a tiled TIFF, a page for each plane; a BigTIFF where 4 GB might not suffice.

    A volume has a page for each slice, and axes and distances as ImageJ reads them.
    """
    if "Z" in result.axes:
        write_volume(path, result)
        return
    is_colored = result.axes == "YXS"
    photometric, colormap = "rgb" if is_colored else "minisblack", None
    if result.palette is not None:
        photometric, colormap = "palette", full_palette(result.palette).T.astype(np.uint16) * 257
    if lost := lost_of(result.grid):
        warn(f"a TIFF result cannot say {lost}, which its image has", DataWarning, 2)
    resolution, unit = resolution_of(result.grid)
    is_large = math.prod(result.shape) * result.dtype.itemsize > _LARGE
    with tifffile.TiffWriter(path, bigtiff=is_large) as writer:
        for plane in planes_of(result):  # a page each; of a single one of all, those of width 1 would lose planes
            writer.write(
                _tiles(result, plane),
                shape=result.shape if is_colored else result.shape[-2:],
                dtype=result.dtype,
                tile=(_TILE, _TILE),
                compression="zlib",
                photometric=photometric,
                colormap=colormap,
                extrasamples=["unassalpha"] if is_colored and result.shape[2] == 4 else None,
                metadata=None,
                resolution=resolution,
                resolutionunit=unit,
                extratags=grid_tags(result.grid, result.nodata),
            )


def _tiles(result: ResultArray, plane: Any) -> Iterator[Pixels]:  # noqa: ANN401 - an index
    for _, block in result.blocks(_TILE):
        part = block[plane]
        for left in range(0, part.shape[1], _TILE):
            yield np.ascontiguousarray(part[:, left : left + _TILE])
