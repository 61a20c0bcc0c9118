"""Confidence intervals by resampling images (Efron 1979, doi:10.1214/aos/1176344552; Rubin 1981, aos/1176345338)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
LEAST_IMAGES = 4
"""That an interval is computed from."""
Values = NDArray[np.float64]
_LEAST = 1e-15  # of a share in a draw, and of what is missing from 1
_AT_ONCE = 2**22  # weights of images, so that many images do not make a matrix of gigabytes


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval.

    Attributes:
        value: over all images; None if it is not defined.
        low: lower end of its confidence interval; None if there are too few images: the value, or that of a class
            in a mean, is defined for fewer than 4.
        high: upper end.
        images: number of images for which the value is defined; 0: not counted.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    images: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """The value with its interval, such as `0.912 [0.880, 0.931]`; `-` where it is not defined."""
        if self.value is None:
            return "-"
        interval = "" if self.low is None else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{interval}"


class Bootstrap:
    """Draws weights of images, the same ones for every number.

    The weights come from a flat Dirichlet distribution (the Bayesian bootstrap): as none of them is 0, no draw lacks a
    class that a few images have, and each draw of a mean over classes is over the same classes. The interval is
    Student's, from the standard deviation of the draws, on the scale of logits of shares and of logarithms of
    distances; percentiles of the draws would lie within the range of the images, which two of them miss every other
    time.

    In a simulation (IoU of 0.8, 1,500 data sets each) 95 % intervals cover the truth in 93 % of the cases with 5 to 50
    images, where percentiles cover it in 82 (5), 88 (10) and 92 % (50). No interval knows of what no image shows: where
    one image of seven fails wholly, it is 64 % with 5 images and 85 % with 50.

    Of fewer than `LEAST_IMAGES` images there is no interval: that of two or three says next to nothing, as it spans
    most of the scale or, where they happen to agree, is far too narrow.

    Args:
        images: how many there are.
        resamples: how many draws.
        seed: of the draws.
    """

    def __init__(self, images: int, *, resamples: int, seed: int) -> None:
        self._images, self._resamples, self._seed = images, resamples, seed

    def of_sums(
        self,
        counts: NDArray[Any],
        score: Callable[[NDArray[Any]], Values],
        *,
        averaged: NDArray[np.bool_] | None = None,
    ) -> list[Estimate]:
        """Shares that follow from sums over images, such as the IoU from counts of pixels.

        Args:
            counts: of each image (images, ...).
            score: maps sums (..., as of one image) to numbers (..., m), from 0 to 1.
            averaged: over which of the m numbers there is a mean; None: there is none.

        Returns:
            m estimates, followed by their mean.
        """
        drawn = score(self._weighted_sums(counts))
        return _estimates(score(counts.sum(0)), drawn, _defined(score(counts)), averaged, _logit, _share)

    def of_means(
        self, values: Values, *, averaged: NDArray[np.bool_] | None = None, shares: bool = False
    ) -> list[Estimate]:
        """Means over the images for which a value is defined.

        Args:
            values: of each image (images, m), >= 0; NaN where it is not defined.
            averaged: over which of the m means there is a mean; None: there is none.
            shares: whether they are at most 1.

        Returns:
            m estimates, followed by their mean.
        """
        defined = np.isfinite(values)
        both = np.stack([np.where(defined, values, 0), defined], axis=-1)

        def mean(sums: Values) -> Values:
            with np.errstate(invalid="ignore"):
                return np.asarray(sums[..., 0] / sums[..., 1])

        forward, back = (_logit, _share) if shares else (np.log, np.exp)
        return _estimates(mean(both.sum(0)), mean(self._weighted_sums(both)), defined.sum(0), averaged, forward, back)

    def _weighted_sums(self, values: NDArray[Any]) -> Values:
        """Of each draw the sum of the images' values (images, ...), times their weights: (resamples, ...)."""
        random = np.random.default_rng(self._seed)
        each = max(1, _AT_ONCE // max(1, self._images))
        sums = [
            np.tensordot(random.standard_exponential((min(each, self._resamples - start), self._images)), values, 1)
            for start in range(0, self._resamples, each)
        ]
        return np.concatenate(sums)


def _defined(single: Values) -> NDArray[np.int64]:
    """Number of images for which each value is defined, from values of single images (images, m)."""
    return np.asarray(np.isfinite(single).sum(0))


def _estimates(
    values: Values,
    drawn: Values,
    images: NDArray[np.int64],
    averaged: NDArray[np.bool_] | None,
    forward: Callable[[Values], Values],
    back: Callable[[Values], Values],
) -> list[Estimate]:
    """An estimate of each value (m,), from draws (resamples, m) and how many images define it (m,), and of the mean."""

    def estimate(value: float, column: Values, freedom: float, count: int) -> Estimate:
        if not np.isfinite(value):
            return Estimate(None)
        if count < LEAST_IMAGES:
            return Estimate(float(value), images=count)
        low, high = _interval(float(value), column, freedom, forward, back)
        return Estimate(float(value), low, high, count)

    each = [
        estimate(values[index], drawn[:, index], images[index] - 1, int(images[index])) for index in range(len(values))
    ]
    if averaged is None:
        return each
    chosen = averaged & np.isfinite(values)
    if not chosen.any():
        return [*each, Estimate(None)]
    freedom = _freedom(drawn[:, chosen].var(0), images[chosen] - 1)
    return [*each, estimate(values[chosen].mean(), drawn[:, chosen].mean(1), freedom, int(images[chosen].min()))]


def _interval(
    value: float,
    drawn: Values,
    freedom: float,
    forward: Callable[[Values], Values],
    back: Callable[[Values], Values],
) -> tuple[float, float]:
    """Student's interval on another scale; a value at the end of its range, where no draw differs, is all of it."""
    from scipy.special import stdtrit

    if np.ptp(drawn) <= np.finfo(float).eps * abs(value) * len(drawn):
        return value, value
    # weights that are drawn vary less than images, whose mean has a variance of s^2 / n: by (n + 1) / (n - 1)
    spread = np.sqrt(1 + 2 / freedom) * forward(drawn).std()
    reach = stdtrit(freedom, (1 + CONFIDENCE) / 2) * spread
    middle = forward(np.asarray(value))
    return float(back(middle - reach)), float(back(middle + reach))


def _freedom(variances: Values, freedoms: NDArray[np.int64]) -> float:
    """The degrees of freedom of a sum (Satterthwaite 1946, doi:10.2307/3002019)."""
    parts = (variances**2 / np.maximum(freedoms, 1)).sum()
    return float(variances.sum() ** 2 / parts) if parts > 0 else float(freedoms.min())


def _logit(share: Values) -> Values:
    inside = np.clip(share, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _share(logit: Values) -> Values:
    return np.asarray(1 / (1 + np.exp(-logit)))
