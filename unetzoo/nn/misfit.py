"""Explain why a network fails on an image: its type, dtype or device."""

import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError, ShapeError
from unetzoo.layers.axes import AXES
from unetzoo.nn.config import ModelConfig


def check_axes(image: Tensor, config: ModelConfig) -> None:
    """Raise ShapeError unless an image has the channels, and a volume the axes, that a network takes."""
    dims = config.spatial_dims
    if image.ndim == dims + 2 and image.shape[1] == config.in_channels:
        return
    kind = "images" if dims == 2 else "volumes"
    problem = f"this network takes {kind} (b, {config.in_channels}, {AXES[dims].sizes}), got {tuple(image.shape)}"
    other = 5 - dims
    if image.ndim == other + 2 and image.shape[1] == config.in_channels:
        problem += f"; a network created with spatial_dims={other} takes these"
    raise ShapeError(problem)


def need_images(config: ModelConfig, what: str) -> None:
    """Raise OptionError for a network of volumes; the message begins with what works on images alone."""
    if config.spatial_dims != 2:
        raise OptionError(
            f"{what} is for networks of images, and this one has spatial_dims={config.spatial_dims}: call it in "
            f"Python on volumes (b, {config.in_channels}, d, h, w)"
        )


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
