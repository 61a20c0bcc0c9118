"""Images for graphs that take multiples of a number of pixels."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.valid import valid_sides
from unetzoo.nn.segmenter import Segmenter

Size = tuple[int, int]


def multiple_of(model: Segmenter) -> int:
    """The number of pixels that divides the sides of images that need no padding; 1: the network never pads."""
    return 1 if model.encoder.valid_padding else model.encoder.features.reductions[-1]


def padded(image: Tensor, multiple: int) -> Tensor:
    """An image (b, c, h, w) with repeated last rows and columns, as `Segmenter` pads it."""
    bottom, right = -image.shape[2] % multiple, -image.shape[3] % multiple
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image


def cropped(logits: Tensor, image: Tensor) -> Tensor:
    """The logits without the padding of an image; those of a network without padding are smaller already."""
    return logits[..., : image.shape[2], : image.shape[3]]


def traced_image(model: Segmenter, sizes: Sequence[tuple[int, ...]]) -> Tensor:
    """A small image of noise (2, c, h, w) to record a graph with, no side of which is that of another map."""
    reduction = model.encoder.features.reductions[-1]
    if model.encoder.valid_padding:
        size: tuple[int, ...] = valid_sides(reduction)[:2]
    else:
        size = sizes[0] if sizes else getattr(model.encoder, "img_size", None) or (5 * reduction, 3 * reduction)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, model.config.in_channels, *size, generator=generator)
