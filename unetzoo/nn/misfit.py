"""Explain why a network fails on an image: its type, dtype or device."""

import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError


def check_fits(image: object, network: nn.Module) -> None:
    """Raise OptionError if an image is not a tensor, or has another dtype or device than the network."""
    if not isinstance(image, Tensor):
        raise OptionError(
            f"a network takes a torch tensor (b, c, h, w), got {type(image).__name__}; unetzoo.predict takes arrays"
        )
    weights = [weight for weight in network.parameters() if weight.is_floating_point()]
    if not image.is_floating_point():
        raise OptionError(
            f"a network takes floating-point images, got {_name(image.dtype)}; unetzoo.predict scales them to"
            " the range of the training images"
        )
    if weights and image.device != weights[0].device:
        own = weights[0].device
        raise OptionError(f"the image is on {image.device} and the network on {own}: use image.to({str(own)!r})")
    if weights and image.dtype not in {weight.dtype for weight in weights} and not _is_cast(image):
        own_dtype = _name(weights[0].dtype)
        raise OptionError(
            f"the network computes in {own_dtype}, the image is {_name(image.dtype)}: use image.to(torch.{own_dtype})"
        )


def _is_cast(image: Tensor) -> bool:
    """Whether autocast casts the image, as it does for all dtypes but float64."""
    device = image.device.type
    available = torch.amp.is_autocast_available(device)
    return available and torch.is_autocast_enabled(device) and image.dtype != torch.float64


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
