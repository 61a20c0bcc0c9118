"""Check that a network changed for inference still computes what the original does."""

import copy

import torch
from torch import Tensor, nn

from unetzoo.checks import plain
from unetzoo.errors import UnetzooError
from unetzoo.layers.valid import valid_sides
from unetzoo.nn.segmenter import Segmenter

_LEAST = 1e-4  # of the largest logit: the rounding error of float32 in a deep network
_STEPS = 4  # of the dtype's rounding, and times the error of the original network in that dtype
_SIZES = {2: (64, 64), 3: (32, 32, 64)}  # of example images, in pixels, and volumes


def check_agreement(
    model: Segmenter,
    changed: nn.Module,
    image: Tensor,
    expected: Tensor,
    dtype: torch.dtype,
    *,
    least: float = _LEAST,
) -> None:
    """Raise UnetzooError unless rounding explains the difference of the logits.

    A small difference passes at once. Otherwise the reference is the rounding error of the original network: its logits
    in the same dtype and on the same device, against those in float64.

    Args:
        model: the original network.
        changed: the network that replaces it, in `dtype`.
        image: (b, c, h, w), float32.
        expected: logits of `model` for it in float32.
        dtype: of the arithmetic of `changed`.
        least: a difference that always passes, relative to the largest logit.

    Raises:
        UnetzooError: the logits differ by more.
    """
    actual = changed(image.to(dtype)).double()
    limit = max(least, _STEPS * torch.finfo(dtype).eps)
    if _difference(actual, expected.double()) < limit:
        return
    exact = _exact(model, image, expected)
    difference = _difference(actual, exact)
    own = _difference(_copy(model).to(dtype)(image.to(dtype)).double(), exact)
    if not difference < limit + _STEPS * own:
        raise UnetzooError(
            f"the optimized network's logits in {str(dtype).removeprefix('torch.')} would differ by {difference:.2g} of"
            f" the largest, those of the network itself in that dtype by {own:.2g}: not done"
        )


def _exact(model: Segmenter, image: Tensor, expected: Tensor) -> Tensor:
    """The logits in float64; those in float32 if the device or the backbone does not support float64."""
    try:
        logits: Tensor = _copy(model).double()(image.double())
    except (RuntimeError, TypeError):
        return expected.double()
    return logits


def _copy(model: Segmenter) -> Segmenter:
    return copy.deepcopy(model).eval().requires_grad_(False)


def _difference(actual: Tensor, expected: Tensor) -> float:
    """The largest difference relative to the largest logit; NaN if a logit is NaN."""
    return float((actual - expected).abs().max() / expected.abs().max().clamp(min=1e-30))


def example_of(network: Segmenter, image_size: tuple[int, ...] | None) -> Tensor:
    """Two images of noise, of that size, the `img_size` of the encoder, or a small one."""
    usual = _SIZES[network.config.spatial_dims]
    if network.encoder.valid_padding:
        usual = (valid_sides(network.encoder.features.reductions[-1])[0],) * 2
    size = plain(image_size) or getattr(network.encoder, "img_size", None) or usual
    parameter = next(network.parameters())
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, network.config.in_channels, *size, generator=generator).to(parameter.device)
