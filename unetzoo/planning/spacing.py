"""The distance between voxels to which all cases are brought (nnU-Net, doi:10.1038/s41592-020-01008-z)."""

from collections.abc import Sequence

import numpy as np

from unetzoo.planning.fingerprint import Fingerprint

_ANISOTROPIC = 3
_LOW_PERCENTILE = 10
_STEP = 1e-5


def target_spacing(fingerprint: Fingerprint) -> tuple[float, ...]:
    """The distances between voxels along each axis: the medians of the cases, but for very thick slices.

    Where slices are more than three times as thick as pixels are wide, and less than a third as many, the median would
    blur the slices of the thinner half of the cases: these get the 10th percentile, at least the width of the pixels.
    """
    spacings = np.array(fingerprint.spacings)
    target = np.percentile(spacings, 50, axis=0)
    sizes = np.percentile(np.array(fingerprint.shapes), 50, axis=0)
    thick = int(target.argmax())
    width, size = np.delete(target, thick).max(), np.delete(sizes, thick).min()
    is_thick = len(target) == 3 and target[thick] > _ANISOTROPIC * width and sizes[thick] * _ANISOTROPIC < size
    if is_thick:
        target[thick] = np.percentile(spacings[:, thick], _LOW_PERCENTILE)
        if target[thick] < width:
            target[thick] = width + _STEP
    return tuple(target.tolist())


def resampled_shape(shape: Sequence[int], spacing: Sequence[float], target: Sequence[float]) -> tuple[int, ...]:
    """The size of a case (d, h, w) or (h, w) once it has been brought from one spacing to another."""
    return tuple(round(old / new * size) for size, old, new in zip(shape, spacing, target, strict=True))


def median_shape(fingerprint: Fingerprint, target: Sequence[float]) -> tuple[float, ...]:
    """The median size of the cases along each axis at a spacing, at least 1; half numbers of an even number of them."""
    pairs = zip(fingerprint.shapes, fingerprint.spacings, strict=True)
    shapes = np.array([resampled_shape(shape, spacing, target) for shape, spacing in pairs])
    return tuple(np.median(shapes, axis=0).clip(1).tolist())


def thickest_first(spacing: Sequence[float]) -> tuple[int, ...]:
    """The axes in the order of nnU-Net: that with the largest spacing, of equal ones the first, then the others."""
    thickest = max(range(len(spacing)), key=lambda axis: spacing[axis])
    return (thickest, *(axis for axis in range(len(spacing)) if axis != thickest))
