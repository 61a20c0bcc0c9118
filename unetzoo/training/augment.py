"""Random changes of crops, on any number of channels; the transforms are torchvision's."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.nn.coding import UNKNOWN

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
        """Turned freely, deformed, both or neither, in one resampling; the middle of it."""
        from torchvision.transforms.v2.functional import center_crop

        grid = _grid(image.shape[-1])
        turn = _turned_freely() if torch.rand(()) < _TURNED else None
        seen = grid
        if torch.rand(()) < self.elastic:
            seen = seen + elastic_displacement(image.shape[-1], _ELASTIC_STD * self.crop)
        if turn is not None:
            seen = seen @ turn
        if seen is not grid:
            image, mask = _resampled(image, mask, seen - grid)
        return center_crop(image, [self.crop, self.crop]), center_crop(mask, [self.crop, self.crop])


def _turned(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """One of the eight turns and mirror images."""
    turns, mirrored = int(torch.randint(4, ())), bool(torch.randint(2, ()))
    image, mask = image.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))
    return (image.flip(-1), mask.flip(-1)) if mirrored else (image, mask)


def _grid(side: int) -> Tensor:
    """Where the pixels of a square are (1, side, side, 2): x and y, from -1 to 1 between its borders."""
    middles = (torch.arange(side) * 2 + 1) / side - 1
    return torch.stack(torch.meshgrid(middles, middles, indexing="xy"), dim=-1)[None]


def _turned_freely() -> Tensor:
    """A matrix (2, 2) by which places x, y are multiplied: turned by a few degrees, and larger or smaller."""
    angle, scale = torch.deg2rad(torch.tensor(_between(-_ROTATION, _ROTATION))), _between(*_SCALE)
    return torch.tensor([[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]]) / scale


def _resampled(image: Tensor, mask: Tensor, displacement: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel as what lies where it is displaced to (1, side, side, 2), in units of half of the side."""
    from torchvision import tv_tensors
    from torchvision.transforms.v2 import functional

    moved = functional.elastic(tv_tensors.Image(image), displacement)
    moved_mask = functional.elastic(tv_tensors.Mask(mask), displacement, fill=UNKNOWN)
    return moved.as_subclass(Tensor), moved_mask.as_subclass(Tensor)


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
