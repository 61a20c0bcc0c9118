"""Resample an image to the size of pixels that a network was trained on, and its result back, by windows and rows."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import masked_values, valid_values

_CUBIC = -0.75  # of Keys' kernel, as torch and OpenCV have it
_HALF = 0.5  # of the weights on data, from which a pixel has data

Weights = NDArray[np.float32]


class Resampled:
    """An image (h, w, c) in pixels of another size, of which `image[rows, columns]`, two slices, is a part.

    Smaller images are means over areas, larger ones are interpolated by a cubic function. A pixel without data is
    masked; a new one has data if more than half of its weight lies on data.

    Args:
        image: (h, w, c), whatever can be sliced.
        size: (h, w) of the result.
        nodata: values that stand for no data.

    Attributes:
        shape: (h, w, c) of the result.
        dtype: of its values, as those of the image.
    """

    def __init__(self, image: Any, size: tuple[int, int], nodata: Sequence[float] = ()) -> None:  # noqa: ANN401 - see above
        self._image, self._nodata = image, nodata
        self.shape = (*size, image.shape[2] if len(image.shape) == 3 else 1)
        self.dtype = np.dtype(image.dtype)

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """The part (rows, columns, c)."""
        bounds = [part.indices(length)[:2] for part, length in zip(window, self.shape, strict=False)]
        (top, down), (left, right) = (
            weights(start, stop, self._image.shape[axis], self.shape[axis], up=_CUBIC)
            for axis, (start, stop) in enumerate(bounds)
        )
        block = np.asanyarray(self._image[top : top + down.shape[1], left : left + right.shape[1]])
        block = masked_values(block if block.ndim == 3 else block[..., None], self._nodata)
        values = np.moveaxis(np.ma.getdata(block), 2, 0).astype(np.float32)
        valid = valid_values(block)
        has_data = None if valid is None else np.moveaxis(valid, 2, 0)
        result = np.moveaxis(_applied(values, has_data, down, right), 0, 2)
        return _as_type(result, self.dtype)


def rows_back(
    rows: Iterator[tuple[int, NDArray[np.float32]]], size: tuple[int, int], seen: tuple[int, int], *, start: int = 0
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Maps of a resampled image, from top to bottom, in the pixels of the image.

    Args:
        rows: number of the first row, and maps (k, rows, w); they begin at `first_row(start)` or above.
        size: (h, w) of the image.
        seen: (h, w) of the resampled one.
        start: number of rows of the image that are finished.

    Yields:
        The number of the first row, and maps (k, rows, w); NaN where there is no data.
    """
    _, right = weights(0, size[1], seen[1], size[1])
    kept: NDArray[np.float32] | None = None
    first = 0  # row of `kept`
    for top, maps in rows:
        if kept is None:
            first, kept = top, maps
        else:
            kept = np.concatenate([kept, maps], 1)
        below = top + maps.shape[1]
        stop = size[0] if below == seen[0] else max(start, int((below - 1) * size[0] / seen[0]) - 1)
        if stop <= start:
            continue
        begin, down = weights(start, stop, seen[0], size[0])
        part = kept[:, begin - first : begin - first + down.shape[1]]
        valid = ~np.isnan(part)
        yield start, _applied(np.where(valid, part, 0), None if valid.all() else valid, down, right[:, : seen[1]])
        start = stop
        needed = first_row(start, size[0], seen[0])
        kept, first = kept[:, max(0, needed - first) :], max(first, needed)


def first_row(start: int, size: int, seen: int) -> int:
    """The first row of the resampled image that a row of the image needs."""
    return weights(min(start, size - 1), min(start, size - 1) + 1, seen, size)[0]


def nearest(seen: int, size: int) -> NDArray[np.intp]:
    """For each of `size` pixels along an axis that one of `seen` pixels, of the same length, in which its center is."""
    return (2 * np.arange(size) + 1) * seen // (2 * size)


def weights(start: int, stop: int, length: int, new: int, *, up: float | None = None) -> tuple[int, Weights]:
    """The first old pixel, and the weights (stop - start, n) of it and those after it for new pixels of an axis.

    Args:
        start: the first new pixel.
        stop: the one after the last.
        length: old pixels of the whole axis.
        new: new ones.
        up: parameter of Keys' cubic kernel, by which larger axes are interpolated; None: linearly.
    """
    ratio = length / new
    places = np.arange(start, stop)
    if ratio >= 1:
        low, high = places * ratio, (places + 1) * ratio
        first = int(low[0])
        old = np.arange(first, min(length, int(np.ceil(high[-1] - 1e-9))))
        shares = np.minimum(high[:, None], old + 1) - np.maximum(low[:, None], old)
        table = np.clip(shares, 0, None) / ratio
        return first, (table / table.sum(1, keepdims=True)).astype(np.float32)
    middles = (places + 0.5) * ratio - 0.5
    reach = 1 if up is None else 2
    taps = np.floor(middles)[:, None].astype(int) + np.arange(1 - reach, 1 + reach)
    values = _kernel(np.abs(middles[:, None] - taps), up)
    taps = taps.clip(0, length - 1)
    first = int(taps.min())
    table = np.zeros((len(places), int(taps.max()) + 1 - first))
    np.add.at(table, (np.arange(len(places))[:, None], taps - first), values)
    return first, table.astype(np.float32)


def _kernel(distances: NDArray[np.float64], a: float | None) -> NDArray[np.float64]:
    """Keys' cubic kernel (doi:10.1109/TASSP.1981.1163711, eq. 4), or the linear one."""
    if a is None:
        return 1 - distances
    near = ((a + 2) * distances - (a + 3)) * distances**2 + 1
    far = ((a * distances - 5 * a) * distances + 8 * a) * distances - 4 * a
    return np.where(distances <= 1, near, far)


def _applied(
    values: NDArray[np.float32], valid: NDArray[np.bool_] | None, down: Weights, right: Weights
) -> NDArray[np.float32]:
    """Maps (k, h, w) after weights of both axes; NaN where less than half of the weight is valid."""
    if valid is None:
        return (down @ values @ right.T).astype(np.float32, copy=False)
    share = down @ valid.astype(np.float32) @ right.T
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (down @ np.where(valid, values, 0) @ right.T) / share
    return np.where(share >= _HALF, means, np.float32(np.nan))


def _as_type(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in the type of an image, masked where they are NaN."""
    if dtype.kind == "f":
        return values.astype(dtype)
    missing = np.isnan(values)
    limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    whole = np.rint(np.where(missing, 0, values)).clip(*limits).astype(dtype)
    return np.ma.array(whole, mask=missing) if missing.any() else whole
