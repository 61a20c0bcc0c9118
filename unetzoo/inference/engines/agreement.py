"""Whether a network that was changed for inference still computes what the original one does."""

import copy

import torch
from torch import Tensor, nn

from unetzoo.errors import UnetzooError
from unetzoo.nn.segmenter import Segmenter

_LEAST = 1e-4  # of the largest logit: what float32 loses in a deep network
_STEPS = 4  # of the dtype's rounding, and times the error of the original network in that dtype


def check_agreement(model: Segmenter, changed: nn.Module, image: Tensor, wanted: Tensor, dtype: torch.dtype) -> None:
    """Compare logits: their difference must be one that rounding explains.

    Where it is small, nothing else is computed. Otherwise the original network says what rounding does: the error of
    its own logits in the same dtype and on the same device, where float32 may be TF32, beside those in float64.

    Args:
        model: the original network.
        changed: the network that is to take its place, in `dtype`.
        image: (b, c, h, w), float32.
        wanted: logits of `model` for it in float32.
        dtype: in which `changed` computes.

    Raises:
        UnetzooError: the logits differ by more.
    """
    found = changed(image.to(dtype)).double()
    limit = max(_LEAST, _STEPS * torch.finfo(dtype).eps)
    if _difference(found, wanted.double()) < limit:
        return
    exact = _exact(model, image, wanted)
    difference = _difference(found, exact)
    own = _difference(_copy(model).to(dtype)(image.to(dtype)).double(), exact)
    if not difference < limit + _STEPS * own:
        raise UnetzooError(
            f"the optimized network's logits in {str(dtype).removeprefix('torch.')} would differ by {difference:.2g} of"
            f" the largest, those of the network itself in that dtype by {own:.2g}: not done"
        )


def _exact(model: Segmenter, image: Tensor, wanted: Tensor) -> Tensor:
    """The logits in float64, or those in float32 where a device or a backbone knows no float64."""
    try:
        logits: Tensor = _copy(model).double()(image.double())
    except (RuntimeError, TypeError):
        return wanted.double()
    return logits


def _copy(model: Segmenter) -> Segmenter:
    return copy.deepcopy(model).eval().requires_grad_(False)


def _difference(found: Tensor, wanted: Tensor) -> float:
    """The largest difference, as a part of the largest logit; NaN where one is no number."""
    return float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-30))
