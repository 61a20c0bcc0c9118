"""TIFF of any depth: which series and pages of a file are the image, and which axis has its channels."""

import logging
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo._utils.extras import missing_extra, need
from unetzoo.data.formats.content import Content, Glance, Known, Pixels, Raster, Role, channel_axis
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.limits import check_backed, check_memory
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.formats.tiff_grid import grid_tags, page_grid
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
from unetzoo.data.formats.windows import Rows, Windows, check_chunks, full_palette, planes_of
from unetzoo.errors import DataError, describe_error

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_MOST_PLANES = 2**24
_TILE = 512  # pixels
_NAMELESS = "QYX"  # how tifffile calls three axes whose array had only a shape
_STACKS = {"Z": "slices", "T": "times"}


def read_tiff(content: Content, role: Role, known: Known) -> Raster:
    """The pixels of the largest image of a file: (h, w) or (h, w, c).

    Pages that are alike are channels. In a mask slices and times are refused, since planes of a mask are classes.

    Raises:
        DataError: it has more axes, or announces more than it can hold, or than the memory can.
        MissingExtraError: its compression needs imagecodecs.
    """
    with open_tiff(content) as file, _compression_explained(content.name):
        alike = alike_pages(file)
        if alike:
            check_memory(content.name, 2 * sum(page.nbytes for page in alike))
            planes = [as_shown(page, _with_nodata(page, page.asarray(), role)) for page in alike]
            stack = np.ma.stack if any(map(np.ma.is_masked, planes)) else np.stack
            pixels = stack(planes, axis=2)
            return Raster(as_bytes(pixels) if role == "image" else pixels, page_orientation(alike[0]))
        series = largest_series(file)
        order = axes_of(series.axes, series.shape, content.name, known)
        if role == "mask" and (many := stacked(series.axes, series.shape)):
            raise DataError(
                f"{content.name} is a mask of {many}, which are not classes; store each with its image as files of its "
                "own, or name the axis C if its planes are the classes"
            )
        check_memory(content.name, 2 * series.nbytes)
        pixels = np.asarray(series.asarray())
        rest = [axis for axis in range(pixels.ndim) if axis not in order]  # of one element each
        pixels = pixels.transpose([*order, *rest]).reshape([pixels.shape[axis] for axis in order])
        page = series.keyframe
        if role == "mask":
            pixels = pixels if keeps_values(file) else as_shown(page, pixels)
            return Raster(pixels, page_orientation(page), page_marks(page))
        pixels = as_shown(page, _with_nodata(page, pixels, role))
        return Raster(as_colors(page, pixels) if has_palette(page) else as_bytes(pixels), page_orientation(page))


def _with_nodata(page: Any, pixels: Pixels, role: Role) -> Pixels:  # noqa: ANN401 - of tifffile, which has no types
    """The pixels of an image, masked where they hold no data; those of a mask as they are."""
    return masked_values(pixels, page_nodata(page)) if role == "image" else pixels


def glance_tiff(content: Content) -> Glance:
    """Size, orientation, and the slices or times that are read as channels; the pixels are not decoded."""
    with open_tiff(content) as file:
        series = largest_series(file)
        shape = dict(zip(series.axes, series.shape, strict=True))
        size = (shape.get("Y", 0), shape.get("X", 0))
        return Glance(size, page_orientation(series.keyframe), stacked(series.axes, series.shape))


def tiff_grid(content: Content) -> Grid:
    """Where the pixels of the largest image of a file lie; they are not decoded."""
    with open_tiff(content) as file:
        return page_grid(largest_series(file).keyframe)


@contextmanager
def tiff_windows(_: Path, content: Content, known: Known, whole: int) -> Iterator[Windows | None]:
    """The windows of a file of more bytes of pixels than are read as a whole; else None.

    Raises:
        MissingExtraError: zarr is not installed.
    """
    if not _is_large(content, whole):
        yield None
        return
    need("zarr", f"reading {content.name} by blocks", "zarr")
    import zarr

    with ExitStack() as opened:
        try:
            series = largest_series(opened.enter_context(open_tiff(content)))
            array = zarr.open_array(series.aszarr(level=0), mode="r")
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{content.name} cannot be read: {describe_error(error)}") from error
        check_chunks(array, content.name)
        order = axes_of(series.axes, array.shape, content.name, known)
        yield Windows(array, order, content.name, page_nodata(series.keyframe), are_bits=array.dtype.kind == "b")


def _is_large(content: Content, whole: int) -> bool:
    """Whether the file is large, or, if zarr is installed, its pixels are; and they are stored as they are shown."""
    try:
        with open_tiff(content) as file:
            series = largest_series(file)
            size = content.size if find_spec("zarr") is None else series.nbytes
            return size > whole and is_shown_as_stored(series.keyframe) and not alike_pages(file)
    except Exception:  # reading it as a whole reports what is wrong
        return False


def write_tiff(rows: Rows, path: Path) -> None:
    """Write rows as a tiled BigTIFF, a page for each plane."""
    import tifffile

    is_colored = len(rows.shape) == 3 and rows.row_axis == 0
    photometric, colormap = "rgb" if is_colored else "minisblack", None
    if rows.palette is not None:
        photometric, colormap = "palette", full_palette(rows.palette).T.astype(np.uint16) * 257
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for plane in planes_of(rows):  # a page each; of a single one of all, those of width 1 would lose planes
            writer.write(
                _tiles(rows, plane),
                shape=rows.shape if is_colored else rows.shape[-2:],
                dtype=rows.dtype,
                tile=(_TILE, _TILE),
                compression="zlib",
                photometric=photometric,
                colormap=colormap,
                extrasamples=["unassalpha"] if is_colored and rows.shape[2] == 4 else None,
                metadata=None,
                resolution=rows.grid.resolution,
                resolutionunit=rows.grid.unit if rows.grid.resolution else None,
                extratags=grid_tags(rows.grid, rows.nodata),
            )


def _tiles(rows: Rows, plane: Any) -> Iterator[Pixels]:  # noqa: ANN401 - an index
    for _, block in rows.blocks(_TILE):
        part = block[plane]
        for left in range(0, part.shape[1], _TILE):
            yield np.ascontiguousarray(part[:, left : left + _TILE])


@contextmanager
def open_tiff(content: Content) -> Iterator[Any]:
    """Open a file as tifffile's object; nothing is decoded, and no other file that it names is read.

    Raises:
        DataError: it announces more pixels than it can hold.
    """
    import tifffile

    content.stream.seek(0)
    with (
        _silenced("tifffile"),
        # the metadata of several microscopes name further files, anywhere
        tifffile.TiffFile(content.stream, _multifile=False, is_mmstack=False, is_ndtiff=False) as file,
    ):
        _check_planes(file, content.name)
        check_backed(content.name, sum(series.nbytes for series in file.series), content.size)
        yield file


@contextmanager
def _silenced(name: str) -> Iterator[None]:
    """Suppress the log of a library; its errors say the same."""
    logger, handler = logging.getLogger(name), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _check_planes(file: Any, name: str) -> None:  # noqa: ANN401 - as above
    """Raise DataError if OME-XML announces millions of planes, for which tifffile makes lists."""
    xml = (file.ome_metadata or "") if file.is_ome else ""
    sizes = {"Z": 1, "C": 1, "T": 1}
    for axis, count in re.findall(r"Size([ZCT])\s*=\s*[\"'](\d+)", xml):
        sizes[axis] = max(sizes[axis], int(count))
    single = map(int, re.findall(r"(?:Count|Planes|IFD|First[ZCT])\s*=\s*[\"'](\d+)", xml))
    if max(math.prod(sizes.values()), *single, 0) > _MOST_PLANES:
        raise DataError(f"{name} announces more planes than it can hold")


@contextmanager
def _compression_explained(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, ModuleNotFoundError) as error:
        codec = re.match(r"<(?:COMPRESSION|PREDICTOR)\.(\w+): \d+> requires the 'imagecodecs'", str(error))
        if not codec and not isinstance(error, ModuleNotFoundError):
            raise
        kind = f"compressed by {codec[1]}, " if codec else "compressed, "
        raise missing_extra("images", f"reading {name}, a TIFF {kind.strip()}", "imagecodecs") from error


def largest_series(file: Any) -> Any:  # noqa: ANN401 - as above
    """The series of pages with the most values: not a thumbnail or a label."""
    return max(file.series, key=lambda series: series.size)


def alike_pages(file: Any) -> list[Any]:  # noqa: ANN401 - as above
    """Single pages (h, w) of one size and type that were written one by one; empty if there are others."""
    pages = [series.keyframe for series in file.series]
    kinds = {(page.shape, page.dtype) for page in pages}
    are_alike = len(pages) > 1 and len(kinds) == 1 and all(len(series) == 1 for series in file.series)
    return pages if are_alike and pages[0].ndim == 2 else []


def axes_of(axes: str, shape: Sequence[int], name: str, known: Known) -> tuple[int, ...]:
    """The numbers of the axes of height, width and channels of a series; without the last if it has no channels.

    Three axes without names, of an array that Python wrote with its shape alone, are read like those of a NumPy array,
    channels first or last.

    Raises:
        DataError: there are further axes.
    """
    if axes == _NAMELESS and channel_axis(tuple(shape), known) == 2:
        return (0, 1, 2)
    others = [index for index, axis in enumerate(axes) if axis not in "YX" and shape[index] > 1]
    if len(others) > 1 or not {"Y", "X"} <= set(axes):
        raise DataError(f"{name} has the axes {axes} {tuple(shape)}; only height, width and one of channels are read")
    return (axes.index("Y"), axes.index("X"), *others)


def stacked(axes: str, shape: Sequence[int]) -> str:
    """The slices or times of an image, such as `"5 times (axes TYX)"`; empty: none."""
    counts = {axis: length for axis, length in zip(axes, shape, strict=True) if axis in _STACKS and length > 1}
    return " and ".join(f"{length} {_STACKS[axis]}" for axis, length in counts.items()) + f" (axes {axes})" * bool(
        counts
    )
