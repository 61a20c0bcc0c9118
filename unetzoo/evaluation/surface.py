"""Distances between outlines, measured by MONAI."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.nn.coding import UNKNOWN

Distances = NDArray[np.float64]


def surface_scores(
    predicted: NDArray[np.integer],
    truth: NDArray[np.integer],
    classes: int,
    *,
    tolerance: float,
    steps: Sequence[float] = (1.0, 1.0),
) -> tuple[Distances, Distances]:
    """The 95th percentile of the Hausdorff distance, and the surface Dice, of each class of an image or a volume.

    Where the truth is unknown (255), the prediction counts as right.

    Args:
        predicted: class ids (h, w), or planes (classes, h, w); of a volume (d, h, w), or (classes, d, h, w).
        truth: likewise.
        classes: how many.
        tolerance: of the surface Dice, in the unit of the steps (Nikolov et al. 2018, arXiv:1809.04430).
        steps: distance of neighbors along each axis of space, two or three; 1: distances are in pixels.

    Returns:
        Each (classes,): distances in the unit of the steps, NaN for a class missing in truth or prediction; Dice from 0
        to 1, NaN for a class missing in both.
    """
    known = truth != UNKNOWN
    has_planes, spacing = truth.ndim > len(steps), list(steps)
    actual, expected = (
        _one_hot(ids, classes, has_planes=has_planes) for ids in (predicted, np.where(known, truth, predicted))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing classes, and from torch functions that MONAI uses
        from monai.metrics.hausdorff_distance import compute_hausdorff_distance
        from monai.metrics.surface_dice import compute_surface_dice

        distance = compute_hausdorff_distance(actual, expected, include_background=True, percentile=95, spacing=spacing)
        dice = compute_surface_dice(actual, expected, [tolerance] * classes, include_background=True, spacing=spacing)
    is_predicted, is_true = (_occurs(ids, known, classes, has_planes=has_planes) for ids in (predicted, truth))
    distances = np.where(is_predicted & is_true, distance[0].double().numpy(), np.nan)
    return distances, np.where(is_predicted | is_true, dice[0].double().numpy(), np.nan)


def _occurs(ids: NDArray[np.integer], known: NDArray[np.bool_], classes: int, *, has_planes: bool) -> NDArray[np.bool_]:
    """Whether each class (classes,) has a known pixel."""
    if has_planes:
        return np.asarray(((ids == 1) & known).reshape(len(ids), -1).any(1))
    return np.isin(np.arange(classes), ids[known])


def _one_hot(ids: NDArray[np.integer], classes: int, *, has_planes: bool) -> torch.Tensor:
    if has_planes:
        return torch.from_numpy(ids[None] == 1)
    return torch.from_numpy(np.stack([ids == number for number in range(classes)])[None])
