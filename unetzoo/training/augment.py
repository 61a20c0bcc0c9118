"""Random changes of crops with any number of channels."""

from functools import lru_cache
from math import inf, log

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.nn.coding import UNKNOWN
from unetzoo.training.options import FitOptions

_SHOWN = 25, 250  # how often pixels have been shown when crops begin to be changed, and when the share is whole
_ROTATED = 0.5  # share of the crops
_ELASTIC_GRID = 3  # displacement vectors along each axis, as in arXiv:1505.04597
_ELASTIC_STD = 10 / 512  # of a vector, as a share of the crop's side: 10 pixels of 512
_ROTATION, _SCALE = 15, (0.8, 1.25)  # degrees, beside quarter turns
# in standard deviations of the images, so that dim images (16 bits, fluorescence) keep their content
_BRIGHTNESS, _NOISE = 0.3, 0.15
_CONTRAST, _GAMMA, _FLAT = 0.3, (0.7, 1.4), 1e-6
_BLUR = (0.3, 1.2)  # pixels
_RARE = 0.15  # share of the crops that are blurred, and that get noise


class Augmentation:
    """Changes an image and its mask in the same way; random numbers come from torch's global generator.

    `kind`, `share` and `elastic` are `augment`, `augmented` and `elastic` of `FitOptions`; `crop` is the side of the
    result in pixels, `margin` what it needs on each side.
    """

    @classmethod
    def of(cls, options: FitOptions, crop: int) -> "Augmentation":
        """That of a training."""
        return cls(options.augment, crop=crop, elastic=options.elastic, share=options.augmented)

    def __init__(self, kind: str, *, crop: int, elastic: float, share: float = 1.0) -> None:
        self.kind = kind
        self.share = share
        self.crop = crop
        self.elastic = elastic
        self.margin = crop // 8 if kind == "full" else 0

    def __call__(self, image: Tensor, mask: Tensor, shown: float = inf) -> tuple[Tensor, Tensor]:
        """The changed crop (c, crop, crop) and its mask (crop, crop); 0 and `UNKNOWN` beyond the border of the image.

        Several masks (m, side, side), such as class ids and ids of objects, change alike.
        The image (c, side, side) with side = crop + 2 * margin is normalized: each channel has mean 0 and standard
        deviation 1 over all images. `shown` is how often the training has shown each pixel before, on average.
        """
        if self.kind == "none":
            return image, mask
        if self.kind == "flips":
            return _flipped(image, mask)
        if torch.rand(()) >= self.share_after(shown):
            image, mask = _mirrored(image, mask)
            return self._centered(image), self._centered(mask)
        image, mask = self._moved(*_flipped(image, mask))
        return _recolored(image), mask

    def share_after(self, shown: float) -> float:
        """The share of the crops that are changed beyond mirroring once pixels have been shown so often.

        None at first, when a network has yet to learn what it sees; then more, with the logarithm.
        """
        first, last = _SHOWN
        return self.share * min(1.0, log(max(shown, first) / first) / log(last / first))

    def _centered(self, values: Tensor) -> Tensor:
        """Without the margin."""
        from torchvision.transforms.v2.functional import center_crop

        cropped: Tensor = center_crop(values, [self.crop, self.crop])
        return cropped

    def _moved(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Rotated and scaled, deformed, both or neither, in one resampling; then the center crop."""
        inner = slice(self.margin, self.margin + self.crop)
        centers = _grid(image.shape[-1])[:, inner, inner]
        matrix = _rotation() if torch.rand(()) < _ROTATED else None
        places = centers
        if torch.rand(()) < self.elastic:
            places = places + elastic_displacement(image.shape[-1], _ELASTIC_STD * self.crop)[:, inner, inner]
        if matrix is not None:
            places = places @ matrix
        if places is centers:
            return self._centered(image), self._centered(mask)
        return _sampled(image, places), _sampled_mask(mask, places)


def _mirrored(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mirrored along each axis half of the time: what is upright may be upside down, but does not lie."""
    axes = [axis for axis in (-2, -1) if torch.randint(2, ())]
    return image.flip(axes), mask.flip(axes)


def _flipped(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """One of the eight rotations and reflections of a square."""
    turns, mirrored = int(torch.randint(4, ())), bool(torch.randint(2, ()))
    image, mask = image.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))
    return (image.flip(-1), mask.flip(-1)) if mirrored else (image, mask)


@lru_cache(maxsize=4)
def _grid(side: int) -> Tensor:
    """The centers of the pixels of a square (1, side, side, 2): x and y, from -1 to 1 between its borders."""
    centers = (torch.arange(side) * 2 + 1) / side - 1
    return torch.stack(torch.meshgrid(centers, centers, indexing="xy"), dim=-1)[None]


def _rotation() -> Tensor:
    """A random rotation by a few degrees and scaling, as a matrix (2, 2) that coordinates x, y are multiplied by."""
    angle, scale = torch.deg2rad(torch.tensor(_between(-_ROTATION, _ROTATION))), _between(*_SCALE)
    return torch.tensor([[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]]) / scale


def _sampled(image: Tensor, places: Tensor) -> Tensor:
    """The values of an image (c, side, side) at places (1, h, w, 2) between its pixels; 0 beyond its border."""
    return F.grid_sample(image[None], places, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


def _sampled_mask(mask: Tensor, places: Tensor) -> Tensor:
    """The ids of the pixels of a mask (side, side), or of several (m, side, side), at places; `UNKNOWN` beyond them.

    Ids up to 2**24 are exact.
    """
    several = (mask if mask.ndim == 3 else mask[None]).float() - UNKNOWN  # beyond the border there will be 0
    ids = F.grid_sample(several[None], places, mode="nearest", padding_mode="zeros", align_corners=False)[0] + UNKNOWN
    return ids.to(mask.dtype).reshape(*mask.shape[:-2], *ids.shape[-2:])


def elastic_displacement(side: int, std: float) -> Tensor:
    """A smooth random displacement (1, side, side, 2) of the pixels of a square, in units of half of its side.

    Vectors on a grid of 3 x 3, from a Gaussian with a standard deviation of `std` pixels along each axis, are
    interpolated bicubically (arXiv:1505.04597, section 3.1).
    """
    vectors = torch.randn(1, 2, _ELASTIC_GRID, _ELASTIC_GRID) * std * 2 / side
    weights = _bicubic_weights(side)
    return (weights @ vectors @ weights.T).permute(0, 2, 3, 1)


@lru_cache(maxsize=4)
def _bicubic_weights(side: int) -> Tensor:
    """What the points of the elastic grid along an axis contribute to each of the pixels (side, points)."""
    points = torch.eye(_ELASTIC_GRID)[None, None]
    return F.interpolate(points, size=(side, _ELASTIC_GRID), mode="bicubic", align_corners=True)[0, 0]


def _recolored(image: Tensor) -> Tensor:
    """Random gamma, contrast and brightness, the same for all channels; rarely blur and noise."""
    from torchvision.transforms.v2 import functional

    low, high = image.amin((-2, -1), keepdim=True), image.amax((-2, -1), keepdim=True)
    spread = (high - low).clamp_min(_FLAT)
    # as x ** gamma, in half of the time
    image = low + spread * ((image - low) / spread).log_().mul_(_between(*_GAMMA)).exp_()
    mean = image.mean((-2, -1), keepdim=True)
    image = (image - mean) * _between(1 - _CONTRAST, 1 + _CONTRAST) + mean + _between(-_BRIGHTNESS, _BRIGHTNESS)
    if torch.rand(()) < _RARE:
        sigma = [_between(*_BLUR)] * 2
        for kernel_size in ([7, 1], [1, 7]):  # one axis after the other: 14 products a pixel, not 49
            image = functional.gaussian_blur(image, kernel_size, sigma)
    if torch.rand(()) < _RARE:
        image = image + torch.randn_like(image) * _between(0, _NOISE)
    return image


def _between(low: float, high: float) -> float:
    """A random number from `low` to `high`."""
    return low + float(torch.rand(())) * (high - low)
