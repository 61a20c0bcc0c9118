"""Distances of masks, in pixels, by scipy's exact Euclidean transform; they carry no gradient."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

Distances = NDArray[np.float64]


def signed_distance(mask: NDArray[np.bool_]) -> Distances:
    """Distance (h, w) of each pixel to the other side of the boundary: negative inside (level set of arXiv:1812.07032).

    0 everywhere for a mask that is empty or full: it has no boundary.
    """
    if not mask.any() or mask.all():
        return np.zeros(mask.shape)
    outside: Distances = distance_transform_edt(~mask)
    inside: Distances = distance_transform_edt(mask)
    return np.where(mask, 1 - inside, outside)


def boundary_distance(mask: NDArray[np.bool_]) -> Distances:
    """Distance (h, w) of each pixel to the nearest one of the other kind; 0 everywhere where there is but one kind."""
    if not mask.any() or mask.all():
        return np.zeros(mask.shape)
    distances: Distances = distance_transform_edt(mask) + distance_transform_edt(~mask)
    return distances


def of_each(masks: Tensor, distance: Callable[[NDArray[np.bool_]], Distances]) -> Tensor:
    """A distance of each mask (b, k, h, w), in the dtype and on the device of `like` masks of numbers."""
    arrays = (masks.detach() > 0.5).cpu().numpy()
    distances = np.array([[distance(mask) for mask in image] for image in arrays]).reshape(arrays.shape)
    return torch.from_numpy(distances).to(masks.device, masks.dtype)
