"""Whether probabilities can be trusted: the Brier score, the expected calibration error, and their bins.

A probability p of a class lies in bin m of 15 if (m - 1) / 15 < p <= m / 15. The calibration error is the mean over
pixels of the distance, in their bin, between the mean probability and the share of pixels that have the class (Guo et
al. 2017, arXiv:1706.04599, equation 3). It is measured for the most probable class of each pixel, as in that paper,
and for each class against the rest (Nixon et al. 2019, arXiv:1904.01685, section 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.evaluation.bootstrap import Bootstrap, Estimate
from unetzoo.nn.coding import UNKNOWN

BINS = 15
_PIXELS = 2**18  # that are counted at once
_SQUARED, _COUNT = BINS, BINS + 1  # places in the sums of an image, after the gaps of its bins
Sums = NDArray[np.float64]
"""(..., rows, 17): for each row what is missing to the probabilities of each bin, squared errors, number of pixels."""
Bins = NDArray[np.float64]
"""(rows, 15, 3): number of pixels, sum of their probabilities, and number of those that have the class."""


@dataclass(frozen=True)
class Reliability:
    """How well the probabilities of a class, or those of the most probable classes, agree with the masks.

    Attributes:
        brier: mean squared difference of probability and truth (Brier 1950), 0 (best) to 1.
        ece: expected calibration error, 0 (best) to 1.
        pixels: number of pixels in each of 15 bins.
        confidence: mean probability in each bin; None without pixels.
        frequency: share of the pixels of each bin that have the class; None without pixels.
    """

    brier: Estimate
    ece: Estimate
    pixels: tuple[int, ...] = ()
    confidence: tuple[float | None, ...] = ()
    frequency: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """How far the probabilities of a network can be trusted; pixels whose class is unknown do not count.

    Attributes:
        overall: of classes that exclude one another: the calibration of the most probable class of each pixel, and as
            the Brier score half of the squared differences, summed over the classes, which for two classes is the
            squared difference of one. Of classes that may overlap: the means over the classes, without bins.
        classes: each class against the rest.
    """

    overall: Reliability
    classes: tuple[Reliability, ...]


class CalibrationMeasurement:
    """Sums over the pixels of each image.

    An image of any size adds 136 bytes for each class; its pixels are read by strips.
    """

    def __init__(self) -> None:
        self._images: list[Sums] = []
        self._bins: Bins | None = None
        self._has_planes = False

    def add(self, probabilities: NDArray[np.float32], truth: NDArray[np.integer]) -> None:
        """Count an image.

        Args:
            probabilities: (classes, h, w), or (1, h, w) of the second of two classes; NaN where there is no data.
            truth: class ids (h, w), or planes (classes, h, w) of 0 and 1 if classes may overlap; 255: unknown.
        """
        self._has_planes = truth.ndim == 3
        strips = [_sums_of(*strip) for strip in _strips(probabilities, truth)]
        bins, squared = (np.sum(parts, axis=0) for parts in zip(*strips, strict=True))
        gaps = bins[..., 2] - bins[..., 1]
        self._images.append(np.concatenate([gaps, squared[:, None], bins[..., :1].sum(1)], axis=1))
        self._bins = bins if self._bins is None else self._bins + bins

    def summed_up(self, bootstrap: Bootstrap) -> Calibration | None:
        """The scores with their intervals; None without images."""
        if self._bins is None:
            return None
        sums = np.stack(self._images)
        averaged = np.ones(sums.shape[1], bool) if self._has_planes else None
        pairs = zip(*(bootstrap.of_sums(sums, score, averaged=averaged) for score in (_brier, _error)), strict=True)
        bins = [_bins_of(row) for row in self._bins]
        rows = [
            Reliability(brier, error, *(bins[number] if number < len(bins) else ()))
            for number, (brier, error) in enumerate(pairs)
        ]
        return Calibration(overall=rows[-1], classes=tuple(rows[:-1]))


def _brier(sums: Sums) -> Sums:
    return _share(sums[..., _SQUARED], sums)


def _error(sums: Sums) -> Sums:
    return _share(abs(sums[..., :BINS]).sum(-1), sums)


def _share(part: Sums, sums: Sums) -> Sums:
    count = sums[..., _COUNT]
    share: Sums = np.divide(part, count, out=np.full(count.shape, np.nan), where=count > 0)
    return share


def _bins_of(bins: Bins) -> tuple[tuple[int, ...], tuple[float | None, ...], tuple[float | None, ...]]:
    """Pixels, mean probability and share of the class in each bin (15, 3)."""
    pixels = [int(count) for count, _, _ in bins]
    means = [(total / count, right / count) if count else (None, None) for count, total, right in bins.tolist()]
    confidence, frequency = zip(*means, strict=True)
    return tuple(pixels), confidence, frequency


def _strips(
    probabilities: NDArray[np.float32], truth: NDArray[np.integer]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.integer]]]:
    rows = max(1, _PIXELS // truth.shape[-1])
    for top in range(0, truth.shape[-2], rows):
        yield probabilities[:, top : top + rows], truth[..., top : top + rows, :]


def _sums_of(probabilities: NDArray[np.float32], truth: NDArray[np.integer]) -> tuple[Bins, Sums]:
    """Bins (rows, 15, 3) and squared errors (rows,): of each class, and of the most probable one if they exclude."""
    has_data = ~np.isnan(probabilities[0])
    if truth.ndim == 3:
        planes = [plane[has_data & (own != UNKNOWN)] for plane, own in zip(probabilities, truth, strict=True)]
        masks = [own[has_data & (own != UNKNOWN)] == 1 for own in truth]
        bins, squared = zip(*map(_sums_of_class, planes, masks), strict=True)
        return np.stack(bins), np.stack(squared)
    is_known = has_data & (truth != UNKNOWN)
    known, ids = probabilities[:, is_known], truth[is_known]
    known = np.concatenate([1 - known, known]) if len(known) == 1 else known
    bins, squared = zip(*(_sums_of_class(row, ids == number) for number, row in enumerate(known)), strict=True)
    likeliest, _ = _sums_of_class(known.max(0, initial=0), known.argmax(0) == ids)
    return np.stack([*bins, likeliest]), np.stack([*squared, sum(squared) / 2])


def _sums_of_class(probabilities: NDArray[np.float32], has_class: NDArray[np.bool_]) -> tuple[Bins, Sums]:
    """Bins (15, 3) and squared error () of the probabilities (n,) of a class, which some of the pixels have."""
    places = (np.ceil(probabilities * BINS).astype(np.int64) - 1).clip(0, BINS - 1)
    counts = np.bincount(2 * places + has_class, minlength=2 * BINS).reshape(BINS, 2)
    totals = np.bincount(places, probabilities, minlength=BINS)
    squared = np.square(probabilities - has_class).sum(dtype=np.float64)
    return np.stack([counts.sum(1), totals, counts[:, 1]], axis=-1), np.asarray(squared)
