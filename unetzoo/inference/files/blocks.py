"""Open images so that parts of them can be read: a large one never lies in memory as a whole."""

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.data.formats.content import Content, Known, channel_axis
from unetzoo.data.formats.images import check_file, check_finite, decode, format_of, upright_image
from unetzoo.data.formats.limits import check_backed, check_memory, least_stored
from unetzoo.data.formats.nodata import masked_values, tiff_nodata
from unetzoo.data.formats.tiff import alike_pages, axes_of, is_shown_as_stored, largest_series, open_tiff
from unetzoo.errors import DataError, describe_error

_ZARR_FILES = ("zarr.json", ".zarray", ".zgroup")
_LARGE = 2**27  # bytes of pixels from which on a TIFF is read by blocks
ZARR = ".zarr"


@dataclass(frozen=True)
class BlockImage:
    """An image (h, w, c) of which `image[rows, columns]`, two slices, reads a part.

    Attributes:
        array: what is read from.
        order: its axes of height, width and channels; without the last where there are none.
        name: for errors.
        nodata: values that stand for no data.
    """

    array: Any
    order: tuple[int, ...]
    name: str
    nodata: tuple[float, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        dtype: np.dtype[Any] = np.dtype(self.array.dtype)
        return dtype

    @property
    def shape(self) -> tuple[int, int, int]:
        """(h, w, c)."""
        height, width, *channels = (self.array.shape[axis] for axis in self.order)
        return height, width, channels[0] if channels else 1

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """The part (rows, columns, c), masked where it holds no data.

        Raises:
            DataError: it cannot be read, or holds infinity.
        """
        index: list[slice | int] = [0] * self.array.ndim  # further axes have one element
        for axis, part in zip(self.order, (*window, slice(None)), strict=False):
            index[axis] = part
        try:
            block = np.asarray(self.array[tuple(index)])
        except Exception as error:  # the readers raise nearly anything for damaged data
            raise DataError(f"{self.name} cannot be read: {describe_error(error)}") from error
        kept = sorted(self.order)
        pixels = block.transpose([kept.index(axis) for axis in self.order])
        pixels = masked_values(pixels, self.nodata)
        check_finite(pixels, self.name)
        return pixels if pixels.ndim == 3 else pixels[..., None]


@contextmanager
def open_image(path: Path, *, channels: int | None = None) -> Iterator[Any]:
    """Open an image (h, w, c) that has `shape` and can be sliced.

    A Zarr array, a NumPy file and a TIFF of more than 128 MB are read by blocks; of a pyramid its finest level. Any
    other file is read as `unetzoo.data.formats.images.read_image` does.

    Args:
        path: of the image.
        channels: that a network takes; of an array whose axes have no names, they tell which axis has the channels.

    Raises:
        DataError: as `read_image`.
        MissingExtraError: reading it by blocks needs zarr.
    """
    known = Known(channels=channels)
    if is_zarr(path):
        yield _open_zarr(path, known)
        return
    check_file(path)
    with path.open("rb") as stream:
        content = Content(stream, path.stat().st_size, str(path))
        kind = format_of(content)
        if kind == "array":
            yield _open_numpy(path, known)
        elif kind == "tiff" and _is_large_tiff(content):
            with _opened_tiff(content, known) as image:
                yield image
        else:
            yield upright_image(decode(content, "image", known), str(path))


def is_zarr(path: Path) -> bool:
    """Whether a path is named as a Zarr array or group, or is one."""
    return path.suffix.lower() == ZARR or any((path / name).is_file() for name in _ZARR_FILES)


def _is_large_tiff(content: Content) -> bool:
    """Whether it is to be read by blocks: its file is large; or its pixels are, and zarr is there."""
    try:
        with open_tiff(content) as file:
            series = largest_series(file)
            size = content.size if find_spec("zarr") is None else series.nbytes
            return size > _LARGE and is_shown_as_stored(series.keyframe) and not alike_pages(file)
    except Exception:  # `decode` tells what is wrong
        return False


def _open_numpy(path: Path, known: Known) -> BlockImage:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    return _nameless(array, path, known)


def _open_zarr(path: Path, known: Known) -> BlockImage:
    zarr = _zarr(str(path))
    if not path.exists():
        raise DataError(f"there is no {path}")
    try:
        opened = zarr.open(path, mode="r")
        name, axes = _finest(opened) if isinstance(opened, zarr.Group) else ("", "")
        array = opened[name] if name else opened
    except Exception as error:
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    check_backed(str(path), array.nbytes, _stored(path, least_stored(array.nbytes)))
    _check_chunks(array, str(path))
    if len(axes) == array.ndim:
        return BlockImage(array, axes_of(axes, array.shape, str(path), known), str(path))
    return _nameless(array, path, known)


def _stored(path: Path, enough: int) -> int:
    """Bytes of the files in a folder; no more are counted than are enough."""
    total = 0
    for folder, _, names in os.walk(path):
        if total >= enough:
            break
        total += sum(Path(folder, name).lstat().st_size for name in names)
    return total


def _check_chunks(array: Any, name: str) -> None:  # noqa: ANN401 - zarr is an extra
    """Raise DataError where the blocks in which an array is stored are themselves too large for the memory."""
    sizes = (min(chunk, length) for chunk, length in zip(array.chunks, array.shape, strict=True))
    check_memory(name, 2 * math.prod(sizes) * array.dtype.itemsize)


def _finest(group: Any) -> tuple[str, str]:  # noqa: ANN401 - as above
    """The path of the finest level in a group, and its axes, a letter each, by the metadata of OME-Zarr."""
    attributes = dict(group.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if not scales:
        raise DataError("it is a group of arrays without the multiscales of OME-Zarr; give one of its arrays")
    axes = [axis.get("name", "") if isinstance(axis, dict) else str(axis) for axis in scales[0].get("axes", [])]
    letters = "".join(axes).upper() if all(len(name) == 1 for name in axes) else ""
    return str(scales[0]["datasets"][0]["path"]), letters


@contextmanager
def _opened_tiff(content: Content, known: Known) -> Iterator[BlockImage]:
    zarr = _zarr(content.name)
    with ExitStack() as opened:
        try:
            series = largest_series(opened.enter_context(open_tiff(content)))
            array = zarr.open_array(series.aszarr(level=0), mode="r")
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{content.name} cannot be read: {describe_error(error)}") from error
        _check_chunks(array, content.name)
        order = axes_of(series.axes, array.shape, content.name, known)
        yield BlockImage(array, order, content.name, tiff_nodata(series.keyframe))


def _nameless(array: Any, path: Path, known: Known) -> BlockImage:  # noqa: ANN401 - numpy's or zarr's
    """An array that does not name its axes: of three the channels are the first or the last."""
    large = [axis for axis, length in enumerate(array.shape) if length > 1 or array.ndim <= 3]
    if not 2 <= len(large) <= 3 or 0 in array.shape:
        raise DataError(f"{path}: an image must be (h, w) or (h, w, channels), but this is {tuple(array.shape)}")
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: pixels must be numbers, but these are {array.dtype}")
    if len(large) == 3 and channel_axis(tuple(array.shape[axis] for axis in large), known) == 0:
        large = [*large[1:], large[0]]
    return BlockImage(array, tuple(large), str(path))


def _zarr(name: str) -> Any:  # noqa: ANN401 - an extra
    need("zarr", f"reading {name} by blocks", "zarr")
    import zarr

    return zarr
