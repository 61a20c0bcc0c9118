"""Random changes of crops, on any number of channels; the transforms are torchvision's."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.data.coding import UNKNOWN

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
        self._transform = _transform(crop, elastic) if kind == "full" else None

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
        if self._transform is None:
            return image, mask
        from torchvision import tv_tensors

        changed, changed_mask = self._transform(tv_tensors.Image(image), tv_tensors.Mask(mask))
        return _recoloured(changed.as_subclass(Tensor)), changed_mask.as_subclass(Tensor)


def _turned(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """One of the eight turns and mirror images."""
    turns, mirrored = int(torch.randint(4, ())), bool(torch.randint(2, ()))
    image, mask = image.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))
    return (image.flip(-1), mask.flip(-1)) if mirrored else (image, mask)


def _transform(crop: int, elastic: float) -> Callable[..., Any]:
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    fill = {tv_tensors.Image: 0, tv_tensors.Mask: UNKNOWN}
    affine = v2.RandomAffine(degrees=_ROTATION, scale=_SCALE, interpolation=v2.InterpolationMode.BILINEAR, fill=fill)

    def deform(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        if torch.rand(()) >= elastic:
            return image, mask
        displacement = elastic_displacement(image.shape[-1], _ELASTIC_STD * crop)
        return (
            v2.functional.elastic(image, displacement),
            v2.functional.elastic(mask, displacement, fill=UNKNOWN),
        )

    centre = v2.CenterCrop(crop)

    def transform(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        if torch.rand(()) < 0.5:
            image, mask = affine(image, mask)
        image, mask = deform(image, mask)
        cut: tuple[Tensor, Tensor] = centre(image, mask)
        return cut

    return transform


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
