"""The size at which a backbone sees an image: padded, and scaled if its strides are not powers of two."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.features import FeatureInfo

Size = tuple[int, int]


@dataclass(frozen=True)
class View:
    """How images are padded and scaled for a backbone.

    Attributes:
        unit: sides are padded to multiples of it, in pixels; 1: no padding.
        native: stride of the backbone's deepest map, in pixels of its input.
        target: reduction of that level; images are scaled by native / target.
        fixed: (height, width) in pixels of every input of a backbone with one size; None: any size.
    """

    unit: int
    native: int
    target: int
    fixed: Size | None = None

    def padded(self, size: Size) -> Size:
        """The size of an image after padding."""
        if self.unit == 1:
            return size
        return round_up(size[0], self.unit), round_up(size[1], self.unit)

    def scaled(self, padded: Size) -> Size:
        """The size of a padded image after scaling, for a backbone that takes any size."""
        if self.native == self.target:
            return padded
        return padded[0] // self.target * self.native, padded[1] // self.target * self.native

    def seen(self, image: Tensor) -> Tensor:
        """The image (b, c, h, w), padded by repeating its last rows and columns, and scaled."""
        height, width = image.shape[2:]
        padded = self.padded((height, width))
        if self.unit > 1:
            image = F.pad(image, (0, padded[1] - width, 0, padded[0] - height), mode="replicate")
        size = self.fixed or self.scaled(padded)
        return image if size == padded else F.interpolate(image, size=size, mode="bilinear")


def round_up(side: int, unit: int) -> int:
    """The smallest multiple of `unit` that is not smaller than `side`."""
    return -(-side // unit) * unit


def fit(levels: Sequence[Tensor], features: FeatureInfo, size: Size) -> list[Tensor]:
    """Resize each level to its size in the pyramid of an image of (height, width) pixels."""
    sizes = [(size[0] // reduction, size[1] // reduction) for reduction in features.reductions]
    return [
        level if tuple(level.shape[2:]) == expected else F.interpolate(level, size=expected, mode="bilinear")
        for level, expected in zip(levels, sizes, strict=True)
    ]


def crop(levels: Sequence[Tensor], features: FeatureInfo, size: Size) -> list[Tensor]:
    """Crop the last rows and columns of each level that lie outside of an image of (height, width) pixels."""
    return [
        F.pad(level, (0, size[1] // reduction - level.shape[3], 0, size[0] // reduction - level.shape[2]))
        for level, reduction in zip(levels, features.reductions, strict=True)
    ]
