"""At which size a backbone sees an image: padded to whole units, and scaled where its strides are no powers of two."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.specs import FeatureInfo

Size = tuple[int, int]


@dataclass(frozen=True)
class View:
    """The size of an image on its way into a backbone.

    Attributes:
        unit: the sides are padded to multiples of it, in pixels; 1 where they need no padding.
        native: stride of the backbone's deepest map, in pixels of the image that it sees.
        target: the reduction that this map stands for; the image is scaled by native / target, so that both agree.
        fixed: (height, width) in pixels at which a backbone of one size sees every image; None: it takes any.
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
        """The size at which a backbone of any size sees a padded image."""
        if self.native == self.target:
            return padded
        return padded[0] // self.target * self.native, padded[1] // self.target * self.native

    def seen(self, image: Tensor) -> Tensor:
        """The image (b, c, h, w), its last rows and columns repeated and all of it scaled, as the backbone sees it."""
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
    """Bring each level to exactly the size that a pyramid has of an image of that (height, width) in pixels."""
    sizes = [(size[0] // reduction, size[1] // reduction) for reduction in features.reductions]
    return [
        level if tuple(level.shape[2:]) == wanted else F.interpolate(level, size=wanted, mode="bilinear")
        for level, wanted in zip(levels, sizes, strict=True)
    ]


def crop(levels: Sequence[Tensor], features: FeatureInfo, size: Size) -> list[Tensor]:
    """Cut the last rows and columns of each level that an image of that (height, width) in pixels does not have."""
    return [
        F.pad(level, (0, size[1] // reduction - level.shape[3], 0, size[0] // reduction - level.shape[2]))
        for level, reduction in zip(levels, features.reductions, strict=True)
    ]
