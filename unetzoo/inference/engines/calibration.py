"""What int8 is calibrated with: images, and how good a network must stay."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.normalize import normalizations_of
from unetzoo.nn.segmenter import Segmenter

_LONGEST_SIDE = 512  # pixels; the range of a map does not depend on the size of the image

Run = Callable[[Tensor], Tensor]
"""Computes logits (b, classes, h, w) of images (b, c, h, w)."""


@dataclass(frozen=True)
class Calibration:
    """What an engine needs to compute in int8.

    Attributes:
        images: normalized, each (b, c, h, w), float32: the ranges of all maps are taken from them.
        score: how good a function of images is, higher is better, such as the mean IoU; None: it is not measured.
        least: the lowest score that suffices: an engine that can compute some layers in float does so until it is met.
    """

    images: Sequence[Tensor]
    score: Callable[[Run], float] | None = None
    least: float = 0.0


def calibration_of(images: Iterable[Any], network: Segmenter) -> Calibration:
    """Images as `unetzoo.predict` takes them, normalized; those that are tensors (b, c, h, w) are normalized already.

    Raises:
        OptionError: there are none.
        ShapeError: one has another number of channels than the network.
    """
    prepared = [_prepared(image, network) for image in images]
    if not prepared:
        raise OptionError("int8 needs calibration=[...]: some images like those that it will see")
    return Calibration(prepared)


def _prepared(image: Any, network: Segmenter) -> Tensor:  # noqa: ANN401 - whatever can be sliced
    tensor: Tensor
    channels = network.config.in_channels
    if isinstance(image, Tensor):
        tensor = image
    else:
        rows, columns = (_middle(length) for length in image.shape[:2])
        (normalize,) = normalizations_of(image, network)
        tensor = torch.from_numpy(normalize(image[rows, columns]))[None]
    if tensor.ndim != 4 or tensor.shape[1] != channels or not tensor.is_floating_point():
        raise ShapeError(
            f"calibration takes images of {channels} channels as predict() takes them, or normalized tensors"
            f" (b, {channels}, h, w); got {tuple(image.shape)}"
        )
    return tensor.detach().to("cpu", torch.float32)


def _middle(length: int) -> slice:
    start = max(0, (length - _LONGEST_SIDE) // 2)
    return slice(start, start + _LONGEST_SIDE)
