"""Distances between outlines, measured by MONAI."""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

Distances = NDArray[np.float64]


def surface_scores(
    predicted: NDArray[np.integer], truth: NDArray[np.integer], classes: int, *, tolerance: float
) -> tuple[Distances, Distances]:
    """The 95th percentile of the Hausdorff distance, and the surface Dice, of each class of an image.

    Where the truth is unknown (255), the prediction counts as right.

    Args:
        predicted: class ids (h, w), or planes (classes, h, w).
        truth: class ids (h, w), or planes (classes, h, w).
        classes: how many.
        tolerance: of the surface Dice, in pixels (Nikolov et al. 2018, arXiv:1809.04430).

    Returns:
        Each (classes,): distances in pixels, NaN for a class missing in truth or prediction; Dice from 0 to 1, NaN
        for a class missing in both.
    """
    known = truth != UNKNOWN
    actual, expected = (_one_hot(ids, classes) for ids in (predicted, np.where(known, truth, predicted)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing classes, and from torch functions that MONAI uses
        from monai.metrics.hausdorff_distance import compute_hausdorff_distance
        from monai.metrics.surface_dice import compute_surface_dice

        distance = compute_hausdorff_distance(actual, expected, include_background=True, percentile=95)
        dice = compute_surface_dice(actual, expected, [tolerance] * classes, include_background=True)
    is_predicted, is_true = (_occurs(ids, known, classes) for ids in (predicted, truth))
    distances = np.where(is_predicted & is_true, distance[0].double().numpy(), np.nan)
    return distances, np.where(is_predicted | is_true, dice[0].double().numpy(), np.nan)


def _occurs(ids: NDArray[np.integer], known: NDArray[np.bool_], classes: int) -> NDArray[np.bool_]:
    """Whether each class (classes,) has a known pixel."""
    if ids.ndim == 3:
        return np.asarray(((ids == 1) & known).any(axis=(1, 2)))
    return np.isin(np.arange(classes), ids[known])


def _one_hot(ids: NDArray[np.integer], classes: int) -> torch.Tensor:
    if ids.ndim == 3:
        return torch.from_numpy(ids[None] == 1)
    return torch.from_numpy(ids[None, None] == np.arange(classes)[:, None, None])
