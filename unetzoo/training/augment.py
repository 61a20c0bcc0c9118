"""Random changes of crops with any number of channels."""

from functools import lru_cache
from math import inf, log

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.inference.turns import Turn, turned
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
        image, mask = self._moved(image, mask)
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
        """One of the symmetries of a square, rotated and scaled, deformed, in one resampling; the center crop of it."""
        symmetry = _symmetry()
        matrix = _rotation() if torch.rand(()) < _ROTATED else None
        is_deformed = torch.rand(()) < self.elastic
        if matrix is None and not is_deformed:
            return turned(self._centered(image), symmetry), turned(self._centered(mask), symmetry)
        side = image.shape[-1]
        places = _centers(side, self.crop)
        if is_deformed:
            places = places + elastic_displacement(side, self.crop, _ELASTIC_STD * self.crop)
        if matrix is not None:
            places = torch.tensordot(matrix, places, dims=1)
        places = _turned_places(places, symmetry)
        return _sampled(image, places), _sampled_mask(mask, places)


def _mirrored(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mirrored along each axis half of the time: what is upright may be upside down, but does not lie."""
    axes = [axis for axis in (-2, -1) if torch.randint(2, ())]
    return image.flip(axes), mask.flip(axes)


def _flipped(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """One of the eight rotations and reflections of a square."""
    symmetry = _symmetry()
    return turned(image, symmetry), turned(mask, symmetry)


def _symmetry() -> Turn:
    """One of the eight symmetries of a square."""
    return Turn(int(torch.randint(4, ())), bool(torch.randint(2, ())))


def _turned_places(places: Tensor, symmetry: Turn) -> Tensor:
    """The places (2, h, w) of the same pixels in an image that is not yet turned."""
    x, y = places
    x = -x if symmetry.mirror else x
    return torch.stack(((x, y), (-y, x), (-x, -y), (y, -x))[symmetry.quarters])


@lru_cache(maxsize=4)
def _centers(side: int, crop: int) -> Tensor:
    """The x and y (2, crop, crop) of the centers of the inner pixels of a square, from -1 to 1 between its borders."""
    inner = (torch.arange((side - crop) // 2, (side + crop) // 2) * 2 + 1) / side - 1
    return torch.stack(torch.meshgrid(inner, inner, indexing="xy"))


def _rotation() -> Tensor:
    """A random rotation by a few degrees and scaling, as a matrix (2, 2) that multiplies coordinates x, y."""
    angle, scale = torch.deg2rad(torch.tensor(_between(-_ROTATION, _ROTATION))), _between(*_SCALE)
    return torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]]) / scale


def _sampled(image: Tensor, places: Tensor) -> Tensor:
    """The values of an image (c, side, side) at places (2, h, w) between its pixels; 0 beyond its border."""
    grid = places.permute(1, 2, 0)[None]
    return F.grid_sample(image[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


def _sampled_mask(mask: Tensor, places: Tensor) -> Tensor:
    """The ids of the pixels of a mask (side, side), or of several (m, side, side), at places; `UNKNOWN` beyond them.

    Ids up to 2**24 are exact.
    """
    several = (mask if mask.ndim == 3 else mask[None]).float() - UNKNOWN  # beyond the border there will be 0
    grid = places.permute(1, 2, 0)[None]
    ids = F.grid_sample(several[None], grid, mode="nearest", padding_mode="zeros", align_corners=False)[0] + UNKNOWN
    return ids.to(mask.dtype).reshape(*mask.shape[:-2], *ids.shape[-2:])


def elastic_displacement(side: int, crop: int, std: float) -> Tensor:
    """A smooth random displacement (2, crop, crop) of the inner pixels of a square, in units of half of its side.

    Vectors x, y on a grid of 3 x 3 over the square, from a Gaussian with a standard deviation of `std` pixels along
    each axis, are interpolated bicubically (arXiv:1505.04597, section 3.1).
    """
    vectors = torch.randn(2, _ELASTIC_GRID, _ELASTIC_GRID) * std * 2 / side
    weights = _bicubic_weights(side, crop)
    return weights @ vectors @ weights.T


@lru_cache(maxsize=4)
def _bicubic_weights(side: int, crop: int) -> Tensor:
    """What the points of the elastic grid along an axis contribute to each of the inner pixels (crop, points)."""
    points = torch.eye(_ELASTIC_GRID)[None, None]
    weights = F.interpolate(points, size=(side, _ELASTIC_GRID), mode="bicubic", align_corners=True)[0, 0]
    return weights[(side - crop) // 2 : (side + crop) // 2]


def _recolored(image: Tensor) -> Tensor:
    """Random gamma, contrast and brightness, the same for all channels; rarely blur and noise."""
    from torchvision.transforms.v2 import functional

    low, high = image.amin((-2, -1), keepdim=True), image.amax((-2, -1), keepdim=True)
    spread = (high - low).clamp_min(_FLAT)
    bright = (image - low).div_(spread).log_().mul_(_between(*_GAMMA)).exp_()  # ** gamma, in half of the time
    contrast = _between(1 - _CONTRAST, 1 + _CONTRAST)
    mean = low + spread * bright.mean((-2, -1), keepdim=True)
    # low + spread * bright, with contrast about its mean, and brightness
    image = bright.mul_(spread * contrast).add_(mean + (low - mean) * contrast + _between(-_BRIGHTNESS, _BRIGHTNESS))
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
