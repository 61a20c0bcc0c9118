"""The values of the foreground of all cases, each of which counts equally."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo.planning.fingerprint import Intensities

_LOW, _HIGH = 0.005, 0.995


def intensities_of(cases: Sequence[NDArray[np.float32]], names: Sequence[str]) -> tuple[Intensities, ...]:
    """The intensities of each channel.

    nnU-Net draws equally many values of each case with replacement; here each value has a weight instead, so that the
    result does not depend on a draw.

    Args:
        cases: values (n, channels) of each, n > 0.
        names: of the channels.
    """
    weights = np.concatenate([np.full(len(values), 1 / len(values) / len(cases)) for values in cases])
    values = np.concatenate(cases).astype(np.float64)
    return tuple(_channel(values[:, number], weights, name) for number, name in enumerate(names))


def _channel(values: NDArray[np.float64], weights: NDArray[np.float64], name: str) -> Intensities:
    mean = float(weights @ values)
    order = values.argsort()
    places = weights[order].cumsum().searchsorted([_LOW, _HIGH]).clip(max=len(values) - 1)
    low, high = values[order][places].tolist()
    return Intensities(name=name, mean=mean, std=float(np.sqrt(weights @ (values - mean) ** 2)), low=low, high=high)
