"""What the graph in a file takes and gives: normalized images or raw pixels; logits, probabilities or class ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError
from unetzoo.inference.thresholds import Limits, class_names, limits_of
from unetzoo.nn.config import ModelConfig, is_sigmoid
from unetzoo.nn.info import ModelInfo, steps_for
from unetzoo.nn.normalization import is_relative
from unetzoo.nn.segmenter import Segmenter
from unetzoo.objects.coding import ObjectMap
from unetzoo.objects.target import activate
from unetzoo.registry.objects import network_maps

Output = Literal["logits", "maps", "probabilities", "ids"]
_RANGE = (0.0, 1.0)
_BYTE = 256  # values


@dataclass(frozen=True)
class Interface:
    """What a graph takes and gives.

    Attributes:
        takes_pixels: its images have the values of the training images, as they are in files, not normalized ones.
        output: its name: `"logits"`; `"maps"` of objects after activation; `"probabilities"`; `"ids"` of classes.
    """

    takes_pixels: bool = False
    output: Output = "logits"


def interface_of(config: ModelConfig, *, with_normalization: bool, ids: bool) -> Interface:
    """What a file of this network takes and gives, for the arguments of `export`.

    Raises:
        OptionError: `ids` without normalization or of a network of objects, or they need the whole mask; the network
            does not say what the values of its images are.
    """
    if ids and not with_normalization:
        raise OptionError("ids=True is for files that take raw pixels: add with_normalization=True")
    if ids and config.objects:
        raise OptionError("objects are numbered in the maps of the whole image, not in a graph: leave ids (--ids) out")
    if ids and config.post.needs_components:
        raise OptionError(
            "this network's post-processing looks at whole components of a mask, which a graph cannot: leave ids "
            "(--ids) out"
        )
    if with_normalization:
        check_values_known(config.info, "with_normalization=True")
    if config.objects:
        return Interface(with_normalization, "maps")
    return Interface(with_normalization, "ids" if ids else "probabilities" if with_normalization else "logits")


def wrapped(network: Segmenter, interface: Interface) -> nn.Module:
    """The network between the steps that an interface has before and after it."""
    config, steps = network.config, list[nn.Module]()
    if interface.takes_pixels:
        steps.append(FromPixels(config.info))
    steps.append(network)
    if interface.output == "maps":
        steps.append(ObjectMaps(network_maps(config)))
    elif interface.output != "logits":
        steps.append(Probabilities(config))
    if interface.output == "ids":
        steps.append(ids_of(config))
    return nn.Sequential(*steps).eval() if len(steps) > 1 else network


def example_image(network: Segmenter, interface: Interface, batch: int, size: tuple[int, ...]) -> Tensor:
    """Images of noise (b, c, h, w): normalized, or raw pixels in the range of the training images."""
    generator = torch.Generator().manual_seed(0)
    shape = (batch, network.config.in_channels, *size)
    if not interface.takes_pixels:
        return torch.randn(shape, generator=generator)
    low, high = network.config.info.value_range or _RANGE
    return low + (high - low) * torch.rand(shape, generator=generator)


class FromPixels(nn.Module):
    """Normalize raw pixels as `predict` does; values without data (NaN, `nodata`) become 0.

    Args:
        info: of the network.
    """

    low: Tensor
    high: Tensor
    shift: Tensor
    scale: Tensor

    def __init__(self, info: ModelInfo) -> None:
        super().__init__()
        steps = steps_for(info, _dtype_of(info))
        for name, values in steps._asdict().items():
            self.register_buffer(name, torch.tensor(values.reshape(-1, 1, 1), dtype=torch.float32))
        self.clips = steps.clips
        self.nodata = tuple(info.nodata)
        self.may_be_nan = not info.image_dtypes or any(np.dtype(each).kind == "f" for each in info.image_dtypes)

    def forward(self, image: Tensor) -> Tensor:
        """Normalized values (b, c, h, w) of float32 pixels (b, c, h, w)."""
        inside = image.clamp(self.low, self.high) if self.clips else image
        values = (inside - self.shift) * self.scale
        lacking = [image == value for value in self.nodata] + ([torch.isnan(image)] if self.may_be_nan else [])
        for where in lacking:
            values = torch.where(where, torch.zeros_like(values), values)
        return values


class Probabilities(nn.Module):
    """Probabilities (b, classes, h, w) of logits of that shape, divided by the temperature of the network."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.temperature, self.is_sigmoid = config.post.temperature, is_sigmoid(config)

    def forward(self, logits: Tensor) -> Tensor:
        """The probability of each class, 0 to 1."""
        scaled = logits if self.temperature == 1 else logits / self.temperature
        return scaled.sigmoid() if self.is_sigmoid else scaled.softmax(1)


class ObjectMaps(nn.Module):
    """The maps (b, c, h, w) of objects after activation, of logits of that shape."""

    def __init__(self, maps: Sequence[ObjectMap]) -> None:
        super().__init__()
        self.maps = tuple(maps)

    def forward(self, logits: Tensor) -> Tensor:
        """The maps."""
        return activate(self.maps, logits)


class ClassIds(nn.Module):
    """Class ids (b, h, w) as `inference.thresholds.class_ids` gives them: uint8, or int32 for more than 256 classes."""

    lowest: Tensor
    has_limit: Tensor

    def __init__(self, limits: Limits, classes: int) -> None:
        super().__init__()
        self.dtype = torch.uint8 if classes <= _BYTE else torch.int32
        self.limited = any(limit is not None for limit in limits)
        self.register_buffer("lowest", torch.tensor([limit or 0.0 for limit in limits])[:, None, None])
        self.register_buffer("has_limit", torch.tensor([limit is not None for limit in limits])[:, None, None])

    def forward(self, probabilities: Tensor) -> Tensor:
        """The ids for probabilities (b, classes, h, w), or of the foreground alone (b, 1, h, w)."""
        if probabilities.shape[1] == 1:
            probabilities = torch.cat([1 - probabilities, probabilities], 1)
        if not self.limited:
            return probabilities.argmax(1).to(self.dtype)
        never = -torch.ones_like(probabilities)
        above = torch.where(self.has_limit & (probabilities > self.lowest), probabilities, never)
        others = torch.where(self.has_limit, never, probabilities)
        return torch.where(above.amax(1) >= 0, above.argmax(1), others.argmax(1)).to(self.dtype)


class ClassPlanes(nn.Module):
    """Planes (b, classes, h, w) of 0 and 1, uint8, as `class_planes` of `inference.thresholds` gives them."""

    lowest: Tensor

    def __init__(self, limits: Limits, nested: Sequence[int]) -> None:
        super().__init__()
        self.nested = tuple(nested)
        self.register_buffer("lowest", torch.tensor([limit or 0.0 for limit in limits])[:, None, None])

    def forward(self, probabilities: Tensor) -> Tensor:
        """The planes for probabilities (b, classes, h, w)."""
        planes = list((probabilities > self.lowest).unbind(1))
        for outer, inner in pairwise(self.nested):
            planes[inner] = planes[inner] & planes[outer]
        return torch.stack(planes, 1).to(torch.uint8)


def ids_of(config: ModelConfig) -> nn.Module:
    """The step from probabilities to ids of a network's classes, with its thresholds."""
    limits, names = limits_of(None, config), class_names(config)
    if config.labels == "overlapping":
        return ClassPlanes(limits, [names.index(name) for name in config.info.nested if name in names])
    return ClassIds(limits, config.classes)


def check_values_known(info: ModelInfo, what: str, *, takes_z_score: bool = False) -> None:
    """Raise OptionError unless `what` can normalize: by known values, or by z-scores if it takes them."""
    relative = [each for each in dict.fromkeys(info.normalization) if is_relative(each)]
    if relative and not (takes_z_score and has_z_score(info)):
        raise OptionError(
            f"{what} does not normalize by {' and '.join(map(str, relative))}, which depends on the values of the "
            "whole image, of which a graph may see a part: leave with_normalization (--with-normalization) out, and "
            "give the file images that are normalized so"
        )
    if info.normalization:
        return
    if not info.value_range and len(info.image_dtypes) != 1:
        raise OptionError(
            f"{what} needs to know the values of the training images, and this network does not say: "
            "save it with info=ModelInfo(value_range=(0, 255), mean=..., std=...)"
        )


def has_z_score(info: ModelInfo) -> bool:
    """Whether each channel of an image is normalized by its own mean and standard deviation."""
    return {*info.normalization} == {"z-score"}


def _dtype_of(info: ModelInfo) -> np.dtype[np.generic]:
    """The dtype that gives the range of values where none is stated."""
    return np.dtype(info.image_dtypes[0] if len(info.image_dtypes) == 1 else np.float32)
