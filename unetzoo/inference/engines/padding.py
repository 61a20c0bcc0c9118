"""Images for graphs that take multiples of a number of pixels."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.axes import at_the_end, of_last_axes
from unetzoo.layers.valid import valid_sides
from unetzoo.nn.segmenter import Segmenter

Size = tuple[int, ...]
"""(height, width), of volumes (depth, height, width)."""
_TRACED = {2: (5, 3), 3: (3, 5, 4)}  # sides of a recorded image, in multiples of the deepest reduction


def multiple_of(model: Segmenter) -> tuple[int, ...]:
    """The numbers of pixels that divide the sides of images that need no padding; 1: the network never pads."""
    along = model.encoder.features.axis_reductions[-1]
    return (1,) * len(along) if model.encoder.valid_padding else along


def padded(image: Tensor, multiple: Sequence[int]) -> Tensor:
    """An image (b, c, h, w), or a volume (b, c, d, h, w), with its last pixels repeated, as `Segmenter` pads it."""
    missing = [-side % by for side, by in zip(image.shape[2:], multiple, strict=True)]
    return F.pad(image, at_the_end(missing), mode="replicate") if any(missing) else image


def cropped(logits: Tensor, image: Tensor) -> Tensor:
    """The logits without the padding of an image; those of a network without padding are smaller already."""
    return logits[of_last_axes(slice(side) for side in image.shape[2:])]


def traced_image(model: Segmenter, sizes: Sequence[Size]) -> Tensor:
    """A small image of noise (2, c, h, w) to record a graph with, no side of which is that of another map."""
    along = model.encoder.features.axis_reductions[-1]
    if model.encoder.valid_padding:
        size: Size = valid_sides(along[0])[:2]
    else:
        usual = tuple(count * by for count, by in zip(_TRACED[len(along)], along, strict=True))
        size = sizes[0] if sizes else getattr(model.encoder, "img_size", None) or usual
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, model.config.in_channels, *size, generator=generator)
