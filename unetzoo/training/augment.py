"""Random changes of crops with any number of channels, over two axes or three."""

from collections.abc import Sequence
from math import inf, log

import torch
from torch import Tensor

from unetzoo.features import Factor, along_axes
from unetzoo.inference.turns import Turn, turned
from unetzoo.layers.axes import of_last_axes
from unetzoo.training.options import FitOptions
from unetzoo.training.warp import (
    ELASTIC_STD,
    between,
    centers,
    elastic_displacement,
    is_square,
    is_thick,
    rotation,
    sampled,
    sampled_mask,
    turned_places,
)

_SHOWN = 25, 250  # how often pixels have been shown when crops begin to be changed, and when the share is whole
_ROTATED = 0.5  # share of the crops
# in standard deviations of the images, so that dim images (16 bits, fluorescence) keep their content
_BRIGHTNESS, _NOISE = 0.3, 0.15
_CONTRAST, _GAMMA, _FLAT = 0.3, (0.7, 1.4), 1e-6
_BLUR, _BLUR_SIDE = (0.3, 1.2), 7  # pixels
_RARE = 0.15  # share of the crops that are blurred, and that get noise


class Augmentation:
    """Changes an image and its mask in the same way; random numbers come from torch's global generator.

    `kind`, `share` and `elastic` are `augment`, `augmented` and `elastic` of `FitOptions`; `crop` is the side of the
    result in pixels, or the side along each axis; `margin` what it needs on each side; `steps` are the distances of
    voxels along each axis of volumes. Where those of one axis are far longer, volumes are rotated about it alone.
    """

    @classmethod
    def of(cls, options: FitOptions, crop: Factor, steps: Sequence[float] = ()) -> "Augmentation":
        """That of a training."""
        return cls(options.augment, crop=crop, elastic=options.elastic, share=options.augmented, steps=steps)

    def __init__(
        self, kind: str, *, crop: Factor, elastic: float, share: float = 1.0, steps: Sequence[float] = ()
    ) -> None:
        self.kind = kind
        self.share = share
        self.elastic = elastic
        self._sides = sides = along_axes(crop, 2)
        self._margins = margins = tuple(side // 8 if kind in ("full", "upright") else 0 for side in sides)
        self.margin: Factor = margins[0] if isinstance(crop, int) else margins
        self._steps = tuple(steps) or (1.0,) * len(sides)

    def __call__(self, image: Tensor, mask: Tensor, shown: float = inf) -> tuple[Tensor, Tensor]:
        """The changed crop (c, crop, crop) and its mask (crop, crop); 0 and `UNKNOWN` beyond the border of the image.

        Several masks (m, side, side), such as class ids and ids of objects, change alike.
        The image (c, side, side) with side = crop + 2 * margin is normalized: each channel has mean 0 and standard
        deviation 1 over all images. Volumes have an axis more. `shown` is how often the training has shown each pixel
        before, on average.
        """
        if self.kind == "none":
            return image, mask
        if self.kind == "flips":
            symmetry = self._symmetry()
            return turned(image, symmetry), turned(mask, symmetry)
        if torch.rand(()) >= self.share_after(shown):
            image, mask = self._mirrored(image, mask)
            return self._centered(image), self._centered(mask)
        image, mask = self._moved(image, mask)
        axes = range(-1, -1 - len(self._sides), -1)
        return _recolored(image, blurred=axes[:2] if is_thick(self._steps) else axes), mask

    def share_after(self, shown: float) -> float:
        """The share of the crops that are changed beyond mirroring once pixels have been shown so often.

        None at first, when a network has yet to learn what it sees; then more, with the logarithm.
        """
        first, last = _SHOWN
        return self.share * min(1.0, log(max(shown, first) / first) / log(last / first))

    def _centered(self, values: Tensor) -> Tensor:
        """Without the margin."""
        pairs = zip(self._margins, self._sides, strict=True)
        return values[of_last_axes(slice(margin, margin + side) for margin, side in pairs)]

    def _moved(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """One of the symmetries, rotated and scaled, deformed, in one resampling; the center crop of it."""
        symmetry = self._symmetry()
        sides = tuple(side + 2 * margin for side, margin in zip(self._sides, self._margins, strict=True))
        matrix = rotation(sides, self._steps) if torch.rand(()) < _ROTATED else None
        is_deformed = torch.rand(()) < self.elastic
        if matrix is None and not is_deformed:
            return turned(self._centered(image), symmetry), turned(self._centered(mask), symmetry)
        places = centers(sides, self._sides)
        if is_deformed:
            places = places + elastic_displacement(sides, self._sides, [ELASTIC_STD * side for side in self._sides])
        if matrix is not None:
            places = torch.tensordot(matrix, places, dims=1)
        places = turned_places(places, symmetry)
        return sampled(image, places), sampled_mask(mask, places)

    def _symmetry(self) -> Turn:
        """One of the symmetries of the crop; of data with an up, itself or its mirror image from left to right."""
        if self.kind == "upright":
            return Turn(mirror=bool(torch.randint(2, ())))
        return _symmetry(self._sides, self._steps)

    def _mirrored(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mirrored along each axis half of the time: what is upright may be upside down, but does not lie.

        Data with an up are mirrored along the last axis alone.
        """
        first = -1 if self.kind == "upright" else -len(self._sides)
        axes = [axis for axis in range(first, 0) if torch.randint(2, ())]
        return image.flip(axes), mask.flip(axes)


def _symmetry(crop: Sequence[int], steps: Sequence[float]) -> Turn:
    """One of the eight symmetries of a square; of a volume, mirrored along its depth, or not, besides.

    Where rows and columns differ there are half turns, and no quarter turns.
    """
    quarters = int(torch.randint(4, ())) if is_square(crop, steps) else 2 * int(torch.randint(2, ()))
    mirror = bool(torch.randint(2, ()))
    return Turn(quarters, mirror, depth=len(crop) == 3 and bool(torch.randint(2, ())))


def _recolored(image: Tensor, *, blurred: Sequence[int] = (-1, -2)) -> Tensor:
    """Random gamma, contrast and brightness, the same for all channels; rarely blur, along some axes, and noise."""
    space = tuple(range(1, image.ndim))
    low, high = image.amin(space, keepdim=True), image.amax(space, keepdim=True)
    spread = (high - low).clamp_min(_FLAT)
    bright = (image - low).div_(spread).log_().mul_(between(*_GAMMA)).exp_()  # ** gamma, in half of the time
    contrast = between(1 - _CONTRAST, 1 + _CONTRAST)
    mean = low + spread * bright.mean(space, keepdim=True)
    # low + spread * bright, with contrast about its mean, and brightness
    image = bright.mul_(spread * contrast).add_(mean + (low - mean) * contrast + between(-_BRIGHTNESS, _BRIGHTNESS))
    if torch.rand(()) < _RARE:
        sigma = between(*_BLUR)
        for axis in blurred:  # one axis after the other: 14 products a pixel, not 49
            image = _blurred(image, axis, sigma)
    if torch.rand(()) < _RARE:
        image = image + torch.randn_like(image) * between(0, _NOISE)
    return image


def _blurred(image: Tensor, axis: int, sigma: float) -> Tensor:
    """The image, blurred along one axis; as it is if it is too thin."""
    from torchvision.transforms.v2 import functional

    if image.shape[axis] <= _BLUR_SIDE // 2:
        return image
    last = image.transpose(axis, -1) if axis < -2 else image
    kernel_size = [1, _BLUR_SIDE] if axis == -2 else [_BLUR_SIDE, 1]
    blurred: Tensor = functional.gaussian_blur(last, kernel_size, [sigma] * 2)
    return blurred.transpose(axis, -1) if axis < -2 else blurred
