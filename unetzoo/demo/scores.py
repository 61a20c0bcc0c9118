"""How well a mask agrees with the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """Agreement, each 0 to 1.

    Args:
        mean_iou: intersection over union, the mean of that of nuclei and that of background.
        dice: of nuclei.
    """

    mean_iou: float
    dice: float


def score(predicted: Mask, truth: Mask) -> Scores:
    """The scores of a prediction (h, w)."""
    return Scores(mean_iou=(iou(predicted, truth) + iou(~predicted, ~truth)) / 2, dice=dice(predicted, truth))


def iou(predicted: Mask, truth: Mask) -> float:
    """Intersection over union of two masks of one shape, 0 to 1; 1 when both are empty."""
    union = np.count_nonzero(predicted | truth)
    return float(np.count_nonzero(predicted & truth) / union) if union else 1.0


def dice(predicted: Mask, truth: Mask) -> float:
    """Twice the intersection over the sum of both sizes, 0 to 1; 1 when both are empty."""
    sizes = np.count_nonzero(predicted) + np.count_nonzero(truth)
    return float(2 * np.count_nonzero(predicted & truth) / sizes) if sizes else 1.0
