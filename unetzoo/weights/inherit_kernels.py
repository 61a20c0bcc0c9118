"""Depthwise kernels of a trained encoder for an encoder with larger ones."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

_LINEAR = {4: "bilinear", 5: "trilinear"}  # by the axes of a kernel (out, in, ...)


def resampled_kernels(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The kernels of depthwise convolutions that only have other sides there, resampled linearly to the sides here.

    This is UpKern of MedNeXt (arXiv:2303.09975, section 2.3): a network with kernels of 5 begins with one of 3.
    """
    return {
        name: F.interpolate(theirs[name], size=own.shape[2:], mode=_LINEAR[own.ndim])
        for name, own in ours.items()
        if name in theirs and _differ_in_sides(own, theirs[name])
    }


def _differ_in_sides(kernel: Tensor, other: Tensor) -> bool:
    same_ends = kernel.ndim == other.ndim and kernel.shape[:2] == other.shape[:2]
    return kernel.ndim in _LINEAR and same_ends and kernel.shape[1] == 1 and kernel.shape != other.shape
