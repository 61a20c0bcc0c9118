"""Open images so that parts of them can be read: a large one never lies in memory as a whole."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.images import alike_pages, check_file, check_finite, is_shown_as_stored, largest_series, read_image
from unetzoo.errors import DataError, describe_error
from unetzoo.extras import need

_ZARR_FILES = ("zarr.json", ".zarray", ".zgroup")
_LARGE = 2**27  # bytes of pixels from which on a TIFF is read by blocks
_TIFF, _NUMPY, ZARR = (".tif", ".tiff"), ".npy", ".zarr"


@dataclass(frozen=True)
class BlockImage:
    """An image (h, w, c) of which `image[rows, columns]`, two slices, reads a part.

    Attributes:
        array: what is read from.
        order: its axes of height, width and channels; without the last where there are none.
        name: for errors.
    """

    array: Any
    order: tuple[int, ...]
    name: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """(h, w, c)."""
        height, width, *channels = (self.array.shape[axis] for axis in self.order)
        return height, width, channels[0] if channels else 1

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """The part (rows, columns, c).

        Raises:
            DataError: it cannot be read, or holds NaN or infinity.
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
        check_finite(pixels, self.name)
        return pixels if pixels.ndim == 3 else pixels[..., None]


@contextmanager
def open_image(path: Path) -> Iterator[Any]:
    """Open an image (h, w, c) that has `shape` and can be sliced.

    A Zarr array, a NumPy file and a TIFF of more than 128 MB are read by blocks; of a pyramid its finest level. Any
    other file is read as `unetzoo.data.images.read_image` does.

    Raises:
        DataError: as `read_image`.
        MissingExtraError: reading it by blocks needs zarr.
    """
    suffix = path.suffix.lower()
    if is_zarr(path):
        yield _open_zarr(path)
        return
    check_file(path)
    if suffix == _NUMPY:
        yield _open_numpy(path)
    elif suffix in _TIFF and _is_large_tiff(path):
        with _opened_tiff(path) as image:
            yield image
    else:
        yield read_image(path)


def is_zarr(path: Path) -> bool:
    """Whether a path is named as a Zarr array or group, or is one."""
    return path.suffix.lower() == ZARR or any((path / name).is_file() for name in _ZARR_FILES)


def _is_large_tiff(path: Path) -> bool:
    """Whether it is to be read by blocks: its file is large; or its pixels are, and zarr is there."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            series = largest_series(file)
            size = path.stat().st_size if find_spec("zarr") is None else series.nbytes
            return size > _LARGE and is_shown_as_stored(series.keyframe) and not alike_pages(file)
    except Exception:  # `read_image` tells what is wrong
        return False


def _open_numpy(path: Path) -> BlockImage:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    return _channels_last(array, path)


def _open_zarr(path: Path) -> BlockImage:
    zarr = _zarr(path)
    if not path.exists():
        raise DataError(f"there is no {path}")
    try:
        found = zarr.open(path, mode="r")
        array = found[_finest(found)] if isinstance(found, zarr.Group) else found
    except Exception as error:
        raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
    return _channels_last(array, path)


def _finest(group: Any) -> str:  # noqa: ANN401 - zarr is an extra
    """The path of the finest level in a group, by the metadata of OME-Zarr."""
    attributes = dict(group.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if not scales:
        raise DataError("it is a group of arrays without the multiscales of OME-Zarr; give one of its arrays")
    name: str = scales[0]["datasets"][0]["path"]
    return name


@contextmanager
def _opened_tiff(path: Path) -> Iterator[BlockImage]:
    import tifffile

    zarr = _zarr(path)
    with ExitStack() as opened:
        try:
            series = largest_series(opened.enter_context(tifffile.TiffFile(path)))
            array = zarr.open_array(series.aszarr(level=0), mode="r")
        except Exception as error:
            raise DataError(f"{path} cannot be read: {describe_error(error)}") from error
        yield BlockImage(array, _order(series.axes, array.shape, path), str(path))


def _order(axes: str, shape: Sequence[int], path: Path) -> tuple[int, ...]:
    others = [index for index, axis in enumerate(axes) if axis not in "YX" and shape[index] > 1]
    if len(others) > 1:
        raise DataError(f"{path} has the axes {axes} {tuple(shape)}; only height, width and one of channels are read")
    return (axes.index("Y"), axes.index("X"), *others)


def _channels_last(array: Any, path: Path) -> BlockImage:  # noqa: ANN401 - numpy's or zarr's
    """Axes of an array that does not name them: of three the channels are the first or the last, the shorter one."""
    large = [axis for axis, length in enumerate(array.shape) if length > 1 or array.ndim <= 3]
    if not 2 <= len(large) <= 3 or 0 in array.shape:
        raise DataError(f"{path}: an image must be (h, w) or (h, w, channels), but this is {tuple(array.shape)}")
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: pixels must be numbers, but these are {array.dtype}")
    if len(large) == 3 and array.shape[large[0]] < array.shape[large[2]]:
        large = [*large[1:], large[0]]
    return BlockImage(array, tuple(large), str(path))


def _zarr(path: Path) -> Any:  # noqa: ANN401 - an extra
    need("zarr", f"reading {path} by blocks", "zarr")
    import zarr

    return zarr
