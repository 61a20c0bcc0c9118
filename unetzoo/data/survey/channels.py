"""The values of images, channel by channel, and which of them stand for no data although no file says so."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.nodata import valid_values

_USUAL = frozenset({-9999.0, -999.0, -99999.0, -32768.0, -32767.0, 65535.0, 9999.0, 99999.0})
_ENORMOUS = 1e30  # such as the largest float32, and what netCDF fills with
_LONELY, _USUAL_LONELY = 10, 1  # gap to all other values, in widths of the range of those


@dataclass(frozen=True)
class Channel:
    """Statistics of the values of one channel of an image, without those that are no data.

    Attributes:
        count: how many.
        low: the smallest.
        high: the largest.
        low_count: how often the smallest occurs; 0: not counted, as for 8 bits, where it cannot stand for no data.
        high_count: likewise; 0 if it is the smallest, too.
        inner: smallest and largest of the other values; None: there are none.
        total: sum of these.
        squares: sum of their squares.
    """

    count: int
    low: float
    high: float
    low_count: int
    high_count: int
    inner: tuple[float, float] | None
    total: float
    squares: float

    @property
    def marks(self) -> tuple[float, ...]:
        """The smallest and largest values, with and without those that were counted."""
        return (self.low, self.high, *(self.inner or ())) if self.count else ()

    def sums(self, nodata: Sequence[float]) -> tuple[int, float, float]:
        """Number, sum and sum of squares of the values, without those that stand for no data."""
        count, total, squares = self.count - self.low_count - self.high_count, self.total, self.squares
        for value, times in ((self.low, self.low_count), (self.high, self.high_count)):
            if times and value not in nodata:
                count, total, squares = count + times, total + times * value, squares + times * value * value
        return count, total, squares

    def times(self, value: float) -> int:
        """How often a value is its smallest or largest."""
        return self.low_count * (value == self.low) + self.high_count * (value == self.high)


def channels_of(image: NDArray[Any]) -> tuple[Channel, ...]:
    """The statistics of each channel of an image (h, w, c), or a volume, without NaN and masked values."""
    valid, values = valid_values(image), np.ma.getdata(image)
    planes = (
        values[..., index].ravel() if valid is None else values[..., index][valid[..., index]]
        for index in range(image.shape[-1])
    )
    return tuple(map(_channel, planes))


def _channel(values: NDArray[Any]) -> Channel:
    if not values.size:
        return Channel(0, 0.0, 0.0, 0, 0, None, 0.0, 0.0)
    low, high = values.min(), values.max()
    lows, highs = (0, 0) if values.dtype.itemsize == 1 else _counts(values, low, high)
    inner = values if not lows else values[(values != low) & (values != high)]
    return Channel(
        values.size,
        float(low),
        float(high),
        lows,
        highs,
        (float(inner.min()), float(inner.max())) if inner.size else None,
        float(inner.sum(dtype=np.float64)),
        float(np.einsum("p,p->", inner, inner, dtype=np.float64, casting="unsafe")),
    )


def _counts(values: NDArray[Any], low: np.number, high: np.number) -> tuple[int, int]:
    lows = int(np.count_nonzero(values == low))
    return lows, int(np.count_nonzero(values == high)) if high > low else 0


def lonely_values(images: Sequence[Sequence[Channel]]) -> tuple[float, ...]:
    """The values of images that lie so far from all others, and occur so often, that they are hardly measurements.

    They are the smallest or the largest of a channel of all images. Values that usually stand for no data, such as
    -9999, are farther from the others than those from each other; any other is ten times as far.
    """
    return tuple(sorted(set(chain.from_iterable(map(_lonely, zip(*images, strict=True))))))


def _lonely(channels: Sequence[Channel]) -> set[float]:
    """The lonely values of one channel of all images."""
    times: Counter[float] = Counter()
    for channel in channels:
        for value in {channel.low, channel.high}:
            times[value] += channel.times(value)
    marks, lonely = set(chain.from_iterable(channel.marks for channel in channels)), set[float]()
    while len(marks) > 3:
        low, *inner, high = sorted(marks)
        width = inner[-1] - inner[0]
        gaps = {low: inner[0] - low, high: high - inner[-1]}
        far = {value for value, gap in gaps.items() if times[value] > 1 and 0 < width * _least(value) < gap}
        if not far:
            break
        marks, lonely = marks - far, lonely | far
    return lonely


def _least(value: float) -> float:
    return _USUAL_LONELY if value in _USUAL or abs(value) > _ENORMOUS else _LONELY
