"""Resample images and volumes to pixels of another size, by windows, and their masks.

Both grids cover the same space: the outer borders of the first and the last pixels stay where they are, and values are
those at the centers of pixels, so that nothing is shifted, whatever the sizes.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import masked_values, valid_values

CUBIC = -0.75
"""Parameter of Keys' kernel, as torch and OpenCV have it."""
_HALF = 0.5  # of the weights on data, from which a pixel has data
_TIE = 1e-3  # more weight of the nearest pixel, which decides where labels have equal ones
_ANISOTROPIC = 3  # ratio of steps
_CHUNK, _BLOCK = 64, {2: 256, 3: 48}  # pixels along an axis that are computed at once; sides of blocks of masks

Weights = NDArray[np.float32]
Table = tuple[int, Weights]
"""The first old pixel of an axis, and the weights (new, n) of it and those after it."""
Window = tuple[slice, ...]
Limits = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The lowest and the highest values of channels."""


class Resampled:
    """An image (h, w, c) in pixels of another size, of which `image[rows, columns]`, two slices, is a part.

    A volume (d, h, w, c) has three slices. Axes with fewer pixels than before are means over areas, others are
    interpolated by a cubic function. A pixel without data is masked; a new one has data if at least half of its weight
    lies on data.

    Args:
        image: (h, w, c) or (d, h, w, c), whatever can be sliced.
        size: (h, w) or (d, h, w) of the result.
        nodata: values that stand for no data.
        stepped: axes that are not interpolated; see `thick_axes`.
        limits: the lowest and the highest values of channels, to which they are cut before; if there are fewer than
            channels, they are repeated. None: nothing is cut.

    Attributes:
        shape: (h, w, c) or (d, h, w, c) of the result.
        dtype: of its values, as those of the image; None if the image does not say it.
    """

    def __init__(
        self,
        image: Any,  # noqa: ANN401 - see above
        size: Sequence[int],
        nodata: Sequence[float] = (),
        *,
        stepped: Sequence[int] = (),
        limits: Limits | None = None,
    ) -> None:
        self._image, self._nodata, self._stepped, self._limits = image, nodata, stepped, limits
        self._axes = len(size)
        self.shape = (*size, image.shape[self._axes] if len(image.shape) > self._axes else 1)
        self.dtype = getattr(image, "dtype", None)

    def __getitem__(self, window: Window) -> NDArray[Any]:
        """The part (rows, columns, c), or (slices, rows, columns, c)."""
        tables = _tables(window, self._image.shape, self.shape[: self._axes], up=CUBIC, stepped=self._stepped)
        block = np.asanyarray(self._image[_place(tables)])
        block = masked_values(block if block.ndim > self._axes else block[..., None], self._nodata)
        values = np.moveaxis(np.ma.getdata(block), -1, 0).astype(np.float32)
        valid = valid_values(block)
        if self._limits is not None:
            shape = (len(values), *(1,) * self._axes)
            low, high = (np.resize(each, shape).astype(np.float32) for each in self._limits)
            np.clip(values, low, high, out=values)
        has_data = None if valid is None else np.moveaxis(valid, -1, 0)
        result = np.moveaxis(contracted(values, has_data, [table for _, table in tables]), 0, -1)
        return _as_type(result, block.dtype)


class ResampledMask:
    """A mask (h, w) in pixels of another size, of which `mask[rows, columns]`, two slices, is a part.

    A volume (d, h, w) has three slices; planes (h, w, classes) are masks each. The label of a pixel is that of the
    largest part of its area where there are fewer pixels than before, and the one with the largest weight of a linear
    interpolation otherwise; where two have equal parts, that of the pixel which is nearest to the center.

    Args:
        mask: labels, whatever can be sliced.
        size: (h, w) or (d, h, w) of the result.
        stepped: axes that are not interpolated; see `thick_axes`.

    Attributes:
        shape: (h, w) or (d, h, w) of the result.
    """

    def __init__(self, mask: Any, size: Sequence[int], *, stepped: Sequence[int] = ()) -> None:  # noqa: ANN401 - see above
        self._mask, self._stepped = mask, stepped
        self.shape: tuple[int, ...] = tuple(size)

    def __getitem__(self, window: Window) -> NDArray[Any]:
        """The part (rows, columns), or (slices, rows, columns); of planes with these last."""
        bounds = [part.indices(length)[:2] for part, length in zip(window, self.shape, strict=True)]
        sides, step = tuple(stop - start for start, stop in bounds), _BLOCK[len(self.shape)]
        result: NDArray[Any] | None = None
        for corner in product(*(range(0, side, step) for side in sides)):
            place = tuple(slice(first, min(first + step, side)) for first, side in zip(corner, sides, strict=True))
            spans = zip(place, bounds, strict=True)
            block = self._block(tuple(slice(part.start + start, part.stop + start) for part, (start, _) in spans))
            if result is None:
                result = np.empty((*sides, *block.shape[len(sides) :]), block.dtype)
            result[place] = block
        return np.empty(sides, np.uint8) if result is None else result

    def _block(self, window: Window) -> NDArray[Any]:
        """The part of few pixels, in which few labels occur."""
        tables = _tables(window, self._mask.shape, self.shape, up=None, stepped=self._stepped)
        labels = np.asarray(self._mask[_place(tables)])
        sides = zip(self._mask.shape, self.shape, window, tables, strict=False)
        closest = np.ix_(*(nearest(old, new)[part] - first for old, new, part, (first, _) in sides))
        weights = [table for _, table in tables]
        if labels.ndim == len(self.shape):
            return _largest(labels, weights, closest)
        planes = [_largest(labels[..., number], weights, closest) for number in range(labels.shape[-1])]
        return np.stack(planes, -1)


def thick_axes(steps: Sequence[float], others: Sequence[float]) -> tuple[int, ...]:
    """The axes of volumes along which larger sizes repeat pixels, instead of interpolating between them.

    Where the steps of one of two grids differ by more than a factor of three, that of the largest is such an axis,
    unless two are equally large: slices that lie far apart have little in common (nnU-Net,
    doi:10.1038/s41592-020-01008-z).

    Args:
        steps: distances between pixels of one grid, along each axis.
        others: those of the other.
    """
    return tuple(sorted({axis for each in (steps, others) for axis in _thick(each)}))


def _thick(steps: Sequence[float]) -> Iterator[int]:
    largest = [axis for axis, step in enumerate(steps) if step == max(steps)]
    if len(steps) == 3 and len(largest) == 1 and max(steps) > _ANISOTROPIC * min(steps):
        yield largest[0]


def nearest(seen: int, size: int) -> NDArray[np.intp]:
    """For each of `size` pixels along an axis that one of `seen` pixels, of the same length, in which its center is."""
    return (2 * np.arange(size) + 1) * seen // (2 * size)


def weights(start: int, stop: int, length: int, new: int, *, up: float | None = None) -> Table:
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


def table_of(bounds: tuple[int, int], length: int, new: int, *, up: float | None, is_stepped: bool = False) -> Table:
    """As `weights`; of a stepped axis that grows, all on the old pixel in which the center of a new one is."""
    if new <= length or not is_stepped:
        return weights(*bounds, length, new, up=up)
    taps = nearest(length, new)[slice(*bounds)]
    return int(taps[0]), (taps[:, None] == np.arange(taps[0], taps[-1] + 1)).astype(np.float32)


def contracted(
    values: NDArray[np.float32], valid: NDArray[np.bool_] | None, tables: Sequence[Weights]
) -> NDArray[np.float32]:
    """Maps (k, h, w) or (k, d, h, w) after weights of each axis; NaN where less than half of the weight is valid."""
    if valid is None:
        return _contracted(values, tables)
    share = _contracted(valid.astype(np.float32), tables)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = _contracted(np.where(valid, values, np.float32(0)), tables) / share
    return np.where(share >= _HALF, means, np.float32(np.nan))


def _contracted(values: NDArray[np.float32], tables: Sequence[Weights]) -> NDArray[np.float32]:
    """Few new pixels at once, since each depends on few old ones."""
    for axis, table in enumerate(tables, 1):
        old = np.moveaxis(values, axis, 0)
        new = np.empty((len(table), *old.shape[1:]), np.float32)
        for start in range(0, len(table), _CHUNK):
            part = table[start : start + _CHUNK]
            used = np.flatnonzero(part.any(0))
            span = slice(int(used[0]), int(used[-1]) + 1)
            new[start : start + _CHUNK] = np.tensordot(part[:, span], old[span], 1)
        values = np.moveaxis(new, 0, axis)
    return values


def _largest(labels: NDArray[Any], tables: Sequence[Weights], closest: tuple[NDArray[Any], ...]) -> NDArray[Any]:
    """The label with the largest weight of each new pixel."""
    result: NDArray[Any] = labels[closest]
    present = np.unique(labels)
    if len(present) == 1:
        return result
    best = np.zeros(result.shape, np.float32)
    chosen: NDArray[Any] = result.copy()
    for label in present:
        weight = _contracted((labels == label)[None].astype(np.float32), tables)[0] + _TIE * (result == label)
        is_larger = weight > best
        best[is_larger], chosen[is_larger] = weight[is_larger], label
    return chosen


def _tables(
    window: Window, old: Sequence[int], new: Sequence[int], *, up: float | None, stepped: Sequence[int]
) -> list[Table]:
    """The weights of each axis for a window of the new pixels."""
    bounds = [part.indices(length)[:2] for part, length in zip(window, new, strict=True)]
    return [
        table_of(each, before, after, up=up, is_stepped=axis in stepped)
        for axis, (each, before, after) in enumerate(zip(bounds, old, new, strict=False))
    ]


def _place(tables: Sequence[Table]) -> Window:
    """The old pixels that weights are of."""
    return tuple(slice(first, first + table.shape[1]) for first, table in tables)


def _kernel(distances: NDArray[np.float64], a: float | None) -> NDArray[np.float64]:
    """Keys' cubic kernel (doi:10.1109/TASSP.1981.1163711, eq. 4), or the linear one."""
    if a is None:
        return 1 - distances
    near = ((a + 2) * distances - (a + 3)) * distances**2 + 1
    far = ((a * distances - 5 * a) * distances + 8 * a) * distances - 4 * a
    return np.where(distances <= 1, near, far)


def _as_type(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in the type of an image, masked where they are NaN."""
    if dtype.kind == "f":
        return values.astype(dtype)
    missing = np.isnan(values)
    limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    whole = np.rint(np.where(missing, 0, values)).clip(*limits).astype(dtype)
    return np.ma.array(whole, mask=missing) if missing.any() else whole
