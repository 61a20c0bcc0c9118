"""Confidence intervals by resampling images (Efron 1979, doi:10.1214/aos/1176344552)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number and how far it may be trusted.

    Attributes:
        value: of all images; None where it is not defined.
        low: lower end of its confidence interval; None where the images are too few to tell: a single one, or one that
            the number is defined for.
        high: upper end.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """The value with its interval, such as `0.912 [0.880, 0.931]`; `-` where it is not defined."""
        if self.value is None:
            return "-"
        interval = "" if self.low is None else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{interval}"


class Bootstrap:
    """Draws images with replacement, the same draws for every number.

    Args:
        images: how many there are.
        resamples: how often as many are drawn.
        seed: of the draws.
    """

    def __init__(self, images: int, *, resamples: int, seed: int) -> None:
        draws = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=resamples)
        self._draws: NDArray[np.int64] = draws

    def of_sums(self, counts: NDArray[np.int64], score: Callable[[NDArray[np.int64]], Values]) -> list[Estimate]:
        """Numbers that follow from sums over images, such as the IoU from counts of pixels.

        Args:
            counts: of each image (images, ...).
            score: maps sums (..., as of one image) to numbers (..., m).

        Returns:
            m estimates.
        """
        sums = np.tensordot(self._draws, counts, axes=1)
        return self._estimates(score(counts.sum(0)), score(sums), score(counts))

    def of_means(self, values: Values, score: Callable[[Values], Values] = lambda means: means) -> list[Estimate]:
        """Numbers that follow from means over the images for which a value is defined.

        Args:
            values: of each image (images, n); NaN where it is not defined.
            score: maps means (..., n) to numbers (..., m); without it they are the means.

        Returns:
            m estimates.
        """
        known = np.isfinite(values)
        numbers = np.where(known, values, 0)
        with np.errstate(invalid="ignore"):
            drawn = (self._draws @ numbers) / (self._draws @ known)
            whole = numbers.sum(0) / known.sum(0)
        return self._estimates(score(whole), score(drawn), score(values))

    def _estimates(self, values: Values, drawn: Values, single: Values) -> list[Estimate]:
        """An estimate for each value (m,), from what the draws gave (resamples, m) and single images (images, m)."""
        defined = np.isfinite(single).sum(0)
        return [
            _estimate(float(value), column[np.isfinite(column)], images=int(images))
            for value, column, images in zip(values, drawn.T, defined, strict=True)
        ]


def _estimate(value: float, drawn: Values, *, images: int) -> Estimate:
    if not np.isfinite(value):
        return Estimate(None)
    if images < 2 or not drawn.size:
        return Estimate(value)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return Estimate(value, float(low), float(high))
