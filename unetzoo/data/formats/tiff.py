"""TIFF of any depth: which series and pages of a file are the image, and which of their axes are its channels."""

import logging
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from unetzoo._utils.extras import missing_extra
from unetzoo.data.formats.content import Content, Known, Pixels, Raster, Role, channel_axis
from unetzoo.data.formats.limits import check_backed, check_memory
from unetzoo.data.formats.nodata import masked_values, tiff_nodata
from unetzoo.data.masks.marks import PLAIN, keeps_values, page_marks
from unetzoo.errors import DataError

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_ORIENTATION = 274  # the tag
_MOST_PLANES = 2**24
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
            planes = [_shown(page, _known(page, page.asarray(), role), colored=False) for page in alike]
            stack = np.ma.stack if any(map(np.ma.is_masked, planes)) else np.stack
            return Raster(stack(planes, axis=2), orientation_of(alike[0]))
        series = largest_series(file)
        order = axes_of(series.axes, series.shape, content.name, known)
        if role == "mask" and (many := stacked(series.axes, series.shape)):
            raise DataError(
                f"{content.name} is a mask of {many}, which are no classes; store each with its image as files of its "
                "own, or name the axis C if its planes are the classes"
            )
        check_memory(content.name, 2 * series.nbytes)
        pixels = np.asarray(series.asarray())
        rest = [axis for axis in range(pixels.ndim) if axis not in order]  # of one element each
        pixels = pixels.transpose([*order, *rest]).reshape([pixels.shape[axis] for axis in order])
        page = series.keyframe
        stays = role == "mask" and keeps_values(file)
        pixels = pixels if stays else _shown(page, _known(page, pixels, role), colored=role == "image")
        return Raster(pixels, orientation_of(page), page_marks(page) if role == "mask" else PLAIN)


def glance(content: Content) -> tuple[tuple[int, int], int, str]:
    """Height and width as they are stored, the orientation, and what slices or times are read as channels."""
    with open_tiff(content) as file:
        series = largest_series(file)
        shape = dict(zip(series.axes, series.shape, strict=True))
        return (
            (shape.get("Y", 0), shape.get("X", 0)),
            orientation_of(series.keyframe),
            stacked(series.axes, series.shape),
        )


@contextmanager
def open_tiff(content: Content) -> Iterator[Any]:
    """Open a file, which gives tifffile's object; nothing is decoded, and no other file is read that it names.

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
    """Without what a library would print: its errors say it, too."""
    logger, handler = logging.getLogger(name), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _check_planes(file: Any, name: str) -> None:  # noqa: ANN401 - of tifffile, which has no types
    """Raise DataError where OME-XML announces planes by the million, for which tifffile makes lists."""
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
        told = re.match(r"<(?:COMPRESSION|PREDICTOR)\.(\w+): \d+> requires the 'imagecodecs'", str(error))
        if not told and not isinstance(error, ModuleNotFoundError):
            raise
        kind = f"compressed by {told[1]}, " if told else "compressed, "
        raise missing_extra("images", f"reading {name}, a TIFF {kind.strip()}", "imagecodecs") from error


def largest_series(file: Any) -> Any:  # noqa: ANN401 - as above
    """The series of pages with the most values: not a thumbnail or a label."""
    return max(file.series, key=lambda series: series.size)


def alike_pages(file: Any) -> list[Any]:  # noqa: ANN401 - as above
    """Single pages (h, w) of one size and type that were written one by one; empty where there are others."""
    pages = [series.keyframe for series in file.series]
    kinds = {(page.shape, page.dtype) for page in pages}
    are_alike = len(pages) > 1 and len(kinds) == 1 and all(len(series) == 1 for series in file.series)
    return pages if are_alike and pages[0].ndim == 2 else []


def axes_of(axes: str, shape: Sequence[int], name: str, known: Known) -> tuple[int, ...]:
    """The numbers of the axes of height, width and channels among those of a series; without the last where none.

    Three axes that have no names, of an array that Python wrote with its shape alone, are read as those of a NumPy
    array, channels first or last.

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
    """What an image has several of that are no channels, such as `"5 times (axes TYX)"`; empty: nothing."""
    counts = {axis: length for axis, length in zip(axes, shape, strict=True) if axis in _STACKS and length > 1}
    return " and ".join(f"{length} {_STACKS[axis]}" for axis, length in counts.items()) + f" (axes {axes})" * bool(
        counts
    )


def is_shown_as_stored(page: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the pixels of a page are values in place: 0 is black, and there is no palette and nothing to turn."""
    from tifffile import PHOTOMETRIC

    is_plain = page.photometric not in (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.PALETTE)
    return is_plain and orientation_of(page) == 1


def orientation_of(page: Any) -> int:  # noqa: ANN401 - as above
    """How the pixels of a page are to be turned, see `Raster`."""
    found = page.tags.valueof(_ORIENTATION)
    return int(found) if found in range(1, 9) else 1


def _known(page: Any, pixels: Pixels, role: Role) -> Pixels:  # noqa: ANN401 - as above
    """The pixels of an image, masked where they hold no data; those of a mask as they are."""
    return masked_values(pixels, tiff_nodata(page)) if role == "image" else pixels


def _shown(page: Any, pixels: Pixels, *, colored: bool) -> Pixels:  # noqa: ANN401 - as above
    """Pixels as a viewer shows them: 0 is black, and a palette becomes colors where those are wanted."""
    from tifffile import PHOTOMETRIC

    if page.photometric == PHOTOMETRIC.MINISWHITE and pixels.dtype.kind in "bu":
        return ~pixels
    if colored and page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
        colors: Pixels = np.moveaxis(page.colormap[:, pixels] >> 8, 0, -1).astype(np.uint8)
        return colors
    return pixels
