"""Which axes of an array are height, width and channels, by their names or, without names, by what is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.content import NOTHING_KNOWN, Known, Pixels
from unetzoo.data.formats.raster import Window
from unetzoo.errors import DataError

_NAMELESS = "QYX"  # how tifffile calls three axes whose array had only a shape
_PAGES = (_NAMELESS, "IYX")  # the second one is that of pages without names
_STACKS = {"Z": "slices", "T": "times"}
_OF_SLICES = "ZQI"  # axes along which slices lie: named, or those of pages without names


def named_axes(axes: str, shape: Sequence[int], name: str, known: Known) -> tuple[int, ...]:
    """The numbers of the axes of height, width and channels; without the last if there are no channels.

    Three axes without names, of an array that Python wrote with its shape alone, are read like those of a NumPy array,
    channels first or last.

    Raises:
        DataError: there are further axes.
    """
    others = [index for index, axis in enumerate(axes) if axis not in "YX" and shape[index] > 1]
    if len(others) > 1 or not {"Y", "X"} <= set(axes):
        raise DataError(f"{name} has the axes {axes} {tuple(shape)}; only height, width and one of channels are read")
    if axes in _PAGES:
        return paged_axes(shape, name, known, by_shape=axes == _NAMELESS)
    return (axes.index("Y"), axes.index("X"), *others)


def paged_axes(shape: Sequence[int], name: str, known: Known, *, by_shape: bool) -> tuple[int, ...]:
    """As `named_axes` of pages (h, w) that may be rows (w, c) of an image, as some writers store them.

    Args:
        shape: of pages, and of their rows and columns.
        name: for errors.
        known: the reading is that which fits the size of the mask.
        by_shape: the shorter axis has the channels if no mask is known; else the pages are the channels.

    Raises:
        DataError: there is a mask, and no reading fits it, or both do.
    """
    pages, rows, columns = shape
    of_pages, of_rows = (1, 2, 0), (0, 1, 2)
    sizes = {of_pages: (rows, columns), of_rows: (pages, rows)}
    fitting = [order for order, size in sizes.items() if known.size in (size, size[::-1])]
    if known.size is None or (not by_shape and of_pages in fitting):
        return of_rows if by_shape and channel_axis(tuple(shape), known) == 2 else of_pages
    if len(fitting) == 1:
        return fitting[0]
    height, width = known.size
    raise DataError(
        f"{name} has {pages} pages of {rows} x {columns}: {rows} x {columns} pixels with {pages} channels, or "
        f"{pages} x {rows} pixels with {columns} channels; {'both fit' if fitting else 'neither fits'} its mask of "
        f"{height} x {width}: name its axes, as tifffile.imwrite(..., metadata={{'axes': 'YXC'}}) does"
    )


def doubt_of_axes(axes: str, shape: Sequence[int], order: Sequence[int]) -> str:
    """What is doubtful about the axes of an image; empty: nothing."""
    if axes in _PAGES and axes != _NAMELESS and tuple(order) == (0, 1, 2):
        pages, rows, columns = shape
        return (
            f"its {pages} pages of {rows} x {columns} are taken for {pages} x {rows} pixels with {columns} channels, "
            "which fits its mask"
        )
    stack = stacked(axes, shape)
    return f"its {stack} are taken for channels" if stack else ""


def nameless_axes(shape: Sequence[int], name: str, known: Known) -> tuple[int, ...]:
    """As `named_axes` of an array whose axes have no names: of three the channels are the first or the last.

    Axes of one element beyond three are dropped.

    Raises:
        DataError: there are further axes, or one has no element.
    """
    axes = list(range(len(shape)))
    while len(axes) > 3 and 1 in (lengths := [shape[axis] for axis in axes]):
        del axes[lengths.index(1)]
    if not 2 <= len(axes) <= 3 or 0 in shape:
        raise DataError(f"{name}: an image must be (h, w) or (h, w, channels), but this is {tuple(shape)}")
    if len(axes) == 3 and channel_axis(tuple(shape[axis] for axis in axes), known) == 0:
        axes = [*axes[1:], axes[0]]
    return tuple(axes)


def volume_axes(axes: str, shape: Sequence[int], name: str) -> tuple[int, ...]:
    """The numbers of the axes of slices, height, width and channels of a volume; without the last if there are none.

    Slices lie along the axis Z, or along the pages of an array whose axes have no names.

    Raises:
        DataError: there are no slices, or further axes.
    """
    if set(axes) <= {"Q"}:
        return nameless_volume_axes(shape, name)
    along = next((axis for axis in _OF_SLICES if axis in axes), "")
    others = [index for index, axis in enumerate(axes) if axis not in {*"YX", along} and shape[index] > 1]
    if not along or len(others) > 1 or not {"Y", "X"} <= set(axes):
        raise DataError(
            f"{name} has the axes {axes} {tuple(shape)}, but a volume has the axes ZYX, and perhaps C; name them, as "
            "tifffile.imwrite(..., metadata={'axes': 'ZYX'}) does, or store it as .npy (slices, rows, columns)"
        )
    return (axes.index(along), axes.index("Y"), axes.index("X"), *others)


def nameless_volume_axes(shape: Sequence[int], name: str) -> tuple[int, ...]:
    """As `volume_axes` of an array whose axes have no names: (slices, rows, columns), perhaps with channels.

    Of four axes the channels are the first or the last, whichever is shorter.

    Raises:
        DataError: it has other axes.
    """
    if len(shape) not in (3, 4) or 0 in shape:
        raise DataError(
            f"{name}: a volume must be (slices, rows, columns) or (slices, rows, columns, channels), but this is "
            f"{tuple(shape)}"
        )
    return (1, 2, 3, 0) if len(shape) == 4 and shape[0] < shape[3] else tuple(range(len(shape)))


def image_shape(shape: Sequence[int], order: Sequence[int], *, is_volume: bool = False) -> tuple[int, ...]:
    """The shape (h, w, c), of a volume (d, h, w, c), of an array whose axes of space and channels are these."""
    lengths = tuple(shape[axis] for axis in order)
    return lengths if len(lengths) == 3 + is_volume else (*lengths, 1)


def read_window(array: Any, order: Sequence[int], window: Window) -> NDArray[Any]:  # noqa: ANN401 - numpy's or zarr's
    """The part (rows, columns, c), of a volume (slices, rows, columns, c), of an array whose axes these are."""
    index: list[slice | int] = [0] * array.ndim  # further axes have one element
    for axis, part in zip(order, (*window, slice(None)), strict=False):
        index[axis] = part
    block = np.asarray(array[tuple(index)])
    kept = sorted(order)
    pixels = block.transpose([kept.index(axis) for axis in order])
    return pixels if pixels.ndim > len(window) else pixels[..., None]


def channels_last(pixels: Pixels, known: Known = NOTHING_KNOWN) -> Pixels:
    """An array whose axes have no names, with its channels last; axes of one element beyond three are dropped."""
    while pixels.ndim > 3 and 1 in pixels.shape:
        pixels = pixels.squeeze(pixels.shape.index(1))
    first = pixels.ndim == 3 and channel_axis(pixels.shape, known) == 0
    return pixels.transpose(1, 2, 0) if first else pixels


def channel_axis(shape: tuple[int, ...], known: Known) -> int:
    """The axis of the channels, of three axes without names: the first or the last.

    It is the one that fits what is known; if both do, or neither, the shorter one, and of equal ones the last.
    """
    fitting = [axis for axis in (0, 2) if _fits(shape, axis, known)]
    if len(fitting) == 1:
        return fitting[0]
    return 0 if shape[0] < shape[2] else 2


def _fits(shape: tuple[int, ...], axis: int, known: Known) -> bool:
    size = shape[1:] if axis == 0 else shape[:2]
    return known.size in (None, size) and known.channels in (None, shape[axis])


def stacked(axes: str, shape: Sequence[int]) -> str:
    """The slices or times of an image, such as `"5 times (axes TYX)"`; empty: none."""
    counts = {axis: length for axis, length in zip(axes, shape, strict=True) if axis in _STACKS and length > 1}
    return " and ".join(f"{length} {_STACKS[axis]}" for axis, length in counts.items()) + f" (axes {axes})" * bool(
        counts
    )
