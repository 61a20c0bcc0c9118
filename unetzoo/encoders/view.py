"""The size at which a backbone sees an image: padded, and scaled if its strides are not powers of two."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.features import FeatureInfo
from unetzoo.layers.axes import at_the_end, axes_of

Size = tuple[int, ...]
"""(height, width) in pixels; of volumes, (depth, height, width)."""


@dataclass(frozen=True)
class View:
    """How images are padded and scaled for a backbone.

    Attributes:
        unit: sides are padded to multiples of it, in pixels; 1: no padding.
        native: stride of the backbone's deepest map, in pixels of its input.
        target: reduction of that level; images are scaled by native / target.
        fixed: size of every input of a backbone with one size; None: any size.
    """

    unit: int
    native: int
    target: int
    fixed: Size | None = None

    def padded(self, size: Size) -> Size:
        """The size of an image after padding."""
        return tuple(round_up(side, self.unit) for side in size)

    def scaled(self, padded: Size) -> Size:
        """The size of a padded image after scaling, for a backbone that takes any size."""
        if self.native == self.target:
            return padded
        return tuple(side // self.target * self.native for side in padded)

    def seen(self, image: Tensor) -> Tensor:
        """The image (b, c, h, w) or volume, padded by repeating its last rows and columns, and scaled."""
        own = tuple(image.shape[2:])
        padded = self.padded(own)
        if self.unit > 1:
            extra = [side - present for side, present in zip(padded, own, strict=True)]
            image = F.pad(image, at_the_end(extra), mode="replicate")
        size = self.fixed or self.scaled(padded)
        return image if size == padded else F.interpolate(image, size=size, mode=axes_of(image).linear)


def round_up(side: int, unit: int) -> int:
    """The smallest multiple of `unit` that is not smaller than `side`.

    Nothing is negative here: a graph in ONNX divides negative numbers towards 0.
    """
    return (side + unit - 1) // unit * unit


def fit(levels: Sequence[Tensor], features: FeatureInfo, size: Size) -> list[Tensor]:
    """Resize each level to its size in the pyramid of an image of that size."""
    sizes = [tuple(side // reduction for side in size) for reduction in features.reductions]
    return [
        level if tuple(level.shape[2:]) == expected else F.interpolate(level, size=expected, mode=axes_of(level).linear)
        for level, expected in zip(levels, sizes, strict=True)
    ]


def crop(levels: Sequence[Tensor], features: FeatureInfo, size: Size) -> list[Tensor]:
    """Crop the end of each axis of each level that lies outside of an image of that size."""
    return [
        F.pad(level, at_the_end([side // reduction - own for side, own in zip(size, level.shape[2:], strict=True)]))
        for level, reduction in zip(levels, features.reductions, strict=True)
    ]
