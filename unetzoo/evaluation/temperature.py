"""The temperature of logits (Guo et al. 2017, arXiv:1706.04599, section 4.2), from probabilities and known classes."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

_SAMPLE = 2**16  # pixels of an image
_TEMPERATURES = (0.1, 10.0)
_GAIN = 1e-4  # of the loss, for which there is a temperature
_LEAST = 1e-7  # of a probability
Pixels: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Logarithms of the probabilities (c, n) of some pixels, and their classes (n,)."""


def choose_temperature(images: Sequence[Pixels]) -> tuple[float, float, float]:
    """The temperature, from 0.1 to 10, with the least mean negative logarithm of the probability of the true class.

    Args:
        images: pixels of each image.

    Returns:
        The temperature, 1 where none is better, and the losses without it and with it.
    """
    from scipy.optimize import minimize_scalar

    logarithms = np.concatenate([each[0] for each in images], axis=1)
    truth = np.concatenate([each[1] for each in images])

    def loss(temperature: float) -> float:
        scaled = logarithms / temperature
        return float((np.logaddexp.reduce(scaled, 0) - scaled[truth, np.arange(len(truth))]).mean())

    if not len(truth):
        return 1.0, 0.0, 0.0
    before = loss(1.0)
    best = minimize_scalar(
        lambda logarithm: loss(float(np.exp(logarithm))), bounds=np.log(_TEMPERATURES), method="bounded"
    )
    temperature = round(float(np.exp(best.x)), 4)
    after = loss(temperature)
    return (temperature, before, after) if after < before - _GAIN else (1.0, before, before)


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """The probabilities (c, h, w) that logits divided by a temperature have."""
    if temperature == 1:
        return probabilities
    scaled = np.log(_both(probabilities).clip(_LEAST)) / temperature
    result: NDArray[np.float32] = np.exp(scaled - np.logaddexp.reduce(scaled, 0))
    return result[1:] if len(probabilities) == 1 else result


def _both(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Those of two classes where there is a single logit."""
    return np.concatenate([1 - probabilities, probabilities]) if len(probabilities) == 1 else probabilities


def sampled(probabilities: NDArray[np.float32], truth: NDArray[np.integer]) -> Pixels:
    """Logarithms of the probabilities (c, n) of some pixels that are spread over an image, and their classes (n,)."""
    known = np.flatnonzero((truth != UNKNOWN) & ~np.isnan(probabilities[0]))
    places = known[:: max(1, len(known) // _SAMPLE)]
    chosen = _both(np.asarray(probabilities)).reshape(-1, truth.size)[:, places]
    return np.log(chosen.astype(np.float64).clip(_LEAST)), truth.ravel()[places].astype(np.int64)
