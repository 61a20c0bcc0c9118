"""An open TIFF: which of its series and pages are the image; nothing is decoded, and no other file is read.

tifffile has no types, so that files, series and pages are `Any`.
"""

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tifffile

from unetzoo._utils.extras import missing_extra
from unetzoo.data.formats.content import Content
from unetzoo.data.formats.limits import check_backed
from unetzoo.errors import DataError

_MOST_PLANES = 2**24


@contextmanager
def open_file(content: Content) -> Iterator[Any]:
    """Open a file as tifffile's object; nothing is decoded, and no other file that it names is read.

    Raises:
        DataError: an image announces more pixels than it can hold, or OME-XML more planes.
    """
    content.stream.seek(0)
    with (
        _silenced("tifffile"),
        # the metadata of several microscopes name further files, anywhere
        tifffile.TiffFile(content.stream, _multifile=False, is_mmstack=False, is_ndtiff=False) as file,
    ):
        _check_planes(file, content.name)
        if content.role == "image":  # a mask may be empty, with compressions that shrink it to almost nothing
            check_backed(content.name, sum(series.nbytes for series in file.series), content.size)
        yield file


def largest_series(file: Any) -> Any:  # noqa: ANN401 - see above
    """The series of pages with the most values: not a thumbnail or a label."""
    return max(file.series, key=lambda series: series.size)


def alike_pages(file: Any) -> list[Any]:  # noqa: ANN401 - see above
    """Single pages (h, w) of one size and type that were written one by one; empty if there are others."""
    pages = [series.keyframe for series in file.series]
    kinds = {(page.shape, page.dtype) for page in pages}
    are_alike = len(pages) > 1 and len(kinds) == 1 and all(len(series) == 1 for series in file.series)
    return pages if are_alike and pages[0].ndim == 2 else []


@contextmanager
def compression_explained(name: str) -> Iterator[None]:
    """Raise MissingExtraError where decoding needs imagecodecs."""
    try:
        yield
    except (ValueError, ModuleNotFoundError) as error:
        codec = re.match(r"<(?:COMPRESSION|PREDICTOR)\.(\w+): \d+> requires the 'imagecodecs'", str(error))
        if not codec and not isinstance(error, ModuleNotFoundError):
            raise
        kind = f"compressed by {codec[1]}, " if codec else "compressed, "
        raise missing_extra("images", f"reading {name}, a TIFF {kind.strip()}", "imagecodecs") from error


@contextmanager
def _silenced(name: str) -> Iterator[None]:
    """Suppress the log of a library; its errors say the same."""
    logger, handler = logging.getLogger(name), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _check_planes(file: Any, name: str) -> None:  # noqa: ANN401 - see above
    """Raise DataError if OME-XML announces millions of planes, for which tifffile makes lists."""
    xml = (file.ome_metadata or "") if file.is_ome else ""
    sizes = {"Z": 1, "C": 1, "T": 1}
    for axis, count in re.findall(r"Size([ZCT])\s*=\s*[\"'](\d+)", xml):
        sizes[axis] = max(sizes[axis], int(count))
    single = map(int, re.findall(r"(?:Count|Planes|IFD|First[ZCT])\s*=\s*[\"'](\d+)", xml))
    if max(math.prod(sizes.values()), *single, 0) > _MOST_PLANES:
        raise DataError(f"{name} announces more planes than it can hold")
