"""CZI, the format of ZEISS, is read by windows with pylibCZIrw, which is ZEISS's own reader."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, MissingExtraError, Raster
from unetzoo.data.formats import Content, Window, check_backed, check_memory, is_whole
from unetzoo_bioimage.czi_metadata import czi_grid

_TYPES = {"Gray8": "u1", "Gray16": "u2", "Gray32Float": "f4", "Bgr24": "u1", "Bgr48": "u2", "Bgr96Float": "f4"}
_COLORS = 3
_READ = ("X", "Y", "Z", "C")
_NAMES = {"T": "times", "S": "scenes", "V": "views", "H": "phases", "I": "illuminations", "R": "rotations"}


@contextmanager
def open_czi(content: Content) -> Iterator[Raster]:
    """The finest level of the only scene of a file: an image (h, w, c), or, of several slices, a volume (d, h, w, c).

    Tiles lie where the microscope put them; pixels between them are 0.

    Raises:
        DataError: it has several scenes, times or further axes, channels of several types, or announces more than it
            holds.
        MissingExtraError: pylibCZIrw is not installed.
    """
    name, path = content.name, str(content.file())
    if find_spec("pylibCZIrw") is None:
        raise MissingExtraError(f"reading {name} needs pylibCZIrw: pip install 'unetzoo-bioimage[czi]'")
    from pylibCZIrw import czi

    with czi.open_czi(path) as file:
        box = file.total_bounding_box_no_pyramid
        _check_axes({**box, "S": (0, len(file.scenes_bounding_rectangle_no_pyramid))}, name)
        kind = _only_kind(file, name)
        lengths = [stop - start for start, stop in (box[axis] for axis in "ZYX")]
        channels = _COLORS if kind.startswith("Bgr") else box["C"][1]
        shape = (*(lengths if lengths[0] > 1 else lengths[1:]), channels)
        read = partial(_read, file, shape, np.dtype(_TYPES[kind]), name)
        grid = czi_grid(file.raw_metadata, len(shape) - 1, channels)
        raster = Raster(shape=shape, dtype=np.dtype(_TYPES[kind]), read=read, grid=grid)
        check_backed(name, raster.nbytes, content.size)
        yield raster


def _read(file: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, window: Window) -> NDArray[Any]:  # noqa: ANN401 - it ships no types
    """The part of a window, plane by plane."""
    slices, rows, columns = window if len(window) == len("ZYX") else (slice(0, 1), *window)
    size = (slices.stop - slices.start, rows.stop - rows.start, columns.stop - columns.start, shape[-1])
    if is_whole(window, shape):
        check_memory(name, 2 * int(np.prod(size, dtype=object)) * dtype.itemsize)
    corner = file.total_bounding_rectangle_no_pyramid
    place = (corner.x + columns.start, corner.y + rows.start, size[2], size[1])
    pixels = np.empty(size, dtype)
    is_colored = file.get_channel_pixel_type(0).startswith("Bgr")
    for number, slice_ in enumerate(range(slices.start, slices.stop)):
        for channel in range(1 if is_colored else shape[-1]):
            plane = file.read(roi=place, plane={"C": channel, "Z": slice_})
            pixels[number, ..., slice(None) if is_colored else slice(channel, channel + 1)] = plane[..., ::-1]
    return pixels if len(window) == len("ZYX") else pixels[0]


def _check_axes(box: Mapping[str, tuple[int, int]], name: str) -> None:
    """Raise DataError if there are several scenes, times or the like."""
    several = {axis: stop - start for axis, (start, stop) in box.items() if axis not in _READ and stop - start > 1}
    if several:
        counts = " and ".join(
            f"{count} {_NAMES.get(axis, f'elements along {axis}')}" for axis, count in several.items()
        )
        raise DataError(f"{name} has {counts}, and one is read; store each as an image of its own")


def _only_kind(file: Any, name: str) -> str:  # noqa: ANN401 - see above
    """The type of the pixels of all channels."""
    kinds = [*file.pixel_types.values()]
    is_read = len({*kinds}) == 1 and kinds[0] in _TYPES and not (len(kinds) > 1 and kinds[0].startswith("Bgr"))
    if not is_read:
        raise DataError(
            f"{name} has channels of {', '.join(kinds)}; gray channels of one type, or one of colors, are read"
        )
    return str(kinds[0])
