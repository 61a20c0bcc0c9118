"""What the values of a whole image are like: mean, standard deviation and extremes, in one pass over its blocks."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import valid_values
from unetzoo.errors import OptionError
from unetzoo.nn.normalization import Moments

_SIDES = {2: 2048, 3: 128}  # of a block, by the number of axes

MomentsOf: TypeAlias = Callable[[Sequence[float]], Moments | None]
"""Gives the moments of that of which an image is a part, for values that stand for no data; None: it is whole."""


def moments_of(image: Any, nodata: Sequence[float] = (), *, axes: int = 2) -> Moments:  # noqa: ANN401 - whatever can be sliced
    """The moments of an image (h, w) or (h, w, c), or a volume (d, h, w, c), which is read by blocks.

    Sums are those of Chan et al. 1979 (Stanford STAN-CS-79-773, equation 2.1), exact for large means.

    Args:
        image: an array, or what gives its windows.
        nodata: values that stand for no data, as NaN does.
        axes: of space, 2 or 3.

    Raises:
        OptionError: the image holds infinity.
        DataError: it cannot be read.
    """
    counts = means = squares = np.zeros(1)
    lows, highs = np.full(1, np.inf), np.full(1, -np.inf)
    empty = known = 0
    for block in _blocks(image, axes):
        pixels = block.reshape(-1, 1 if block.ndim == axes else block.shape[-1])
        valid, values = valid_values(pixels, nodata), np.ma.getdata(pixels)
        parts = [
            values[:, place] if valid is None else values[valid[:, place], place] for place in range(values.shape[1])
        ]
        own = np.array([_moments(part) for part in parts])
        new, mean, square, low, high = own.T
        if not np.isfinite(mean).all():
            raise OptionError("the image holds infinity; replace it, for instance by numpy.nan_to_num")
        total, distance = counts + new, mean - means
        share = new / total.clip(1)
        squares = squares + square + distance**2 * counts * share
        means, counts = means + distance * share, total
        lows, highs = np.minimum(lows, low), np.maximum(highs, high)
        has_data = np.ones(len(values), bool) if valid is None else valid.any(1)
        known += int(has_data.sum())
        empty += int((has_data & ~values.any(1)).sum())
    lacks = counts == 0
    stds = np.where(lacks, 1, np.sqrt(squares / counts.clip(1)))
    lows, highs = np.where(lacks, 0, lows), np.where(lacks, 1, highs)
    mean, std, low, high = (tuple(values.tolist()) for values in (means, stds, lows, highs))
    return Moments(mean, std, low, high, empty / max(1, known))


def _blocks(image: Any, axes: int) -> Iterator[NDArray[Any]]:  # noqa: ANN401 - as above
    """All of an image, block by block."""
    side = _SIDES[axes]
    starts = product(*(range(0, length, side) for length in image.shape[:axes]))
    for corner in starts:
        window = (slice(start, min(start + side, length)) for start, length in zip(corner, image.shape, strict=False))
        yield np.asanyarray(image[tuple(window)])


def _moments(values: NDArray[Any]) -> tuple[float, float, float, float, float]:
    """Number, mean, sum of squared distances to it, smallest and largest of values (n,)."""
    if not values.size:
        return 0.0, 0.0, 0.0, np.inf, -np.inf
    with np.errstate(invalid="ignore"):  # infinity is reported by the caller
        exact = values.astype(np.float64)
        mean = float(exact.mean())
        exact -= mean
        return len(values), mean, float(exact @ exact), float(values.min()), float(values.max())
