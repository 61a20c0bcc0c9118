"""Random changes of crops, on any number of channels; the transforms are torchvision's."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.data.coding import UNKNOWN

if TYPE_CHECKING:
    from torchvision import tv_tensors

    Pair = tuple[tv_tensors.Image, tv_tensors.Mask]

_TURNED = 0.5  # share of the crops
_ELASTIC_GRID = 3  # displacement vectors along each axis, as in 2015
_ELASTIC_STD = 10 / 512  # of a vector, as a share of the crop's side: 10 px there
_ROTATION, _SCALE = 15, (0.8, 1.25)  # degrees, beside quarter turns
# in standard deviations of the images, so that dim ones (of 16 bits, or of fluorescence) keep what they show
_BRIGHTNESS, _NOISE = 0.3, 0.15
_CONTRAST, _GAMMA, _FLAT = 0.3, (0.7, 1.4), 1e-6
_BLUR = (0.3, 1.2)  # pixels
_SELDOM = 0.15


class Augmentation:
    """Changes an image and its mask alike; every random number comes from torch's global generator.

    Args:
        kind: as `FitOptions.augment`.
        crop: side of the result in pixels.
        elastic: share of the crops that are deformed, with the kind "full".
    """

    def __init__(self, kind: str, *, crop: int, elastic: float) -> None:
        self.kind = kind
        self.crop = crop
        self.elastic = elastic
        self.margin = crop // 8 if kind == "full" else 0

    def __call__(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The changed crop.

        Args:
            image: (c, side, side), normalised: over all images each channel has mean 0 and standard deviation 1; with
                side = crop + 2 * margin.
            mask: (side, side), class ids.

        Returns:
            (c, crop, crop) and (crop, crop); 0 and `UNKNOWN` where what lies beyond the border has come in.
        """
        if self.kind == "none":
            return image, mask
        image, mask = _turned(image, mask)
        if self.kind == "flips":
            return image, mask
        image, mask = self._moved(image, mask)
        return _recoloured(image), mask

    def _moved(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Turned freely, deformed, both or neither; the middle of it."""
        from torchvision import tv_tensors
        from torchvision.transforms.v2.functional import center_crop

        pair: Pair = tv_tensors.Image(image), tv_tensors.Mask(mask)
        if torch.rand(()) < _TURNED:
            pair = _turned_freely(*pair)
        if torch.rand(()) < self.elastic:
            pair = _deformed(*pair, std=_ELASTIC_STD * self.crop)
        changed, changed_mask = (center_crop(one, [self.crop, self.crop]).as_subclass(Tensor) for one in pair)
        return changed, changed_mask


def _turned(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """One of the eight turns and mirror images."""
    turns, mirrored = int(torch.randint(4, ())), bool(torch.randint(2, ()))
    image, mask = image.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))
    return (image.flip(-1), mask.flip(-1)) if mirrored else (image, mask)


def _turned_freely(image: "tv_tensors.Image", mask: "tv_tensors.Mask") -> "Pair":
    """Turned by a few degrees, and larger or smaller."""
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    fill = {tv_tensors.Image: 0, tv_tensors.Mask: UNKNOWN}
    affine = v2.RandomAffine(degrees=_ROTATION, scale=_SCALE, interpolation=v2.InterpolationMode.BILINEAR, fill=fill)
    changed: Pair = affine(image, mask)
    return changed


def _deformed(image: "tv_tensors.Image", mask: "tv_tensors.Mask", *, std: float) -> "Pair":
    """Deformed elastically, by vectors of that standard deviation in pixels."""
    from torchvision.transforms.v2 import functional

    displacement = elastic_displacement(image.shape[-1], std)
    return functional.elastic(image, displacement), functional.elastic(mask, displacement, fill=UNKNOWN)


def elastic_displacement(side: int, std: float) -> Tensor:
    """A smooth random displacement (1, side, side, 2), in units of half of the side, as torchvision takes it.

    Vectors on a grid of 3 x 3, each from a Gaussian, are interpolated bicubically (arXiv:1505.04597, section 3.1).

    Args:
        side: of the image in pixels.
        std: of the vectors on the grid, in pixels along each axis.
    """
    vectors = torch.randn(1, 2, _ELASTIC_GRID, _ELASTIC_GRID) * std * 2 / side
    smooth = F.interpolate(vectors, size=(side, side), mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1)


def _recoloured(image: Tensor) -> Tensor:
    """Gamma, contrast and brightness of all channels alike; now and then blur and noise."""
    from torchvision.transforms.v2 import functional

    low, high = image.amin((-2, -1), keepdim=True), image.amax((-2, -1), keepdim=True)
    spread = (high - low).clamp_min(_FLAT)
    image = low + spread * ((image - low) / spread) ** _between(*_GAMMA)
    mean = image.mean((-2, -1), keepdim=True)
    image = (image - mean) * _between(1 - _CONTRAST, 1 + _CONTRAST) + mean + _between(-_BRIGHTNESS, _BRIGHTNESS)
    if torch.rand(()) < _SELDOM:
        image = functional.gaussian_blur(image, kernel_size=[7, 7], sigma=[_between(*_BLUR)] * 2)
    if torch.rand(()) < _SELDOM:
        image = image + torch.randn_like(image) * _between(0, _NOISE)
    return image


def _between(low: float, high: float) -> float:
    """A random number."""
    return low + float(torch.rand(())) * (high - low)
