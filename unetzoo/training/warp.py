"""Where the pixels of a crop come from, over two axes or three: rotation, scale, elastic deformation, resampling.

Places are coordinates x, y, of volumes x, y, z, from -1 to 1 between the borders, as `torch.nn.functional.grid_sample`
has them.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.features import Factor, along_axes
from unetzoo.inference.turns import Turn
from unetzoo.nn.coding import UNKNOWN

ELASTIC_STD = 10 / 512
"""Standard deviation of an elastic vector, as a share of the crop's side: 10 pixels of 512."""
_ELASTIC_GRID = 3  # displacement vectors along each axis, as in arXiv:1505.04597
_ROTATION, _SCALE = 15, (0.8, 1.25)  # degrees, beside quarter turns
_THICK = 3  # ratio of steps from which crops are not rotated out of the plane, as in nnU-Net
_EQUAL = 1.01  # ratio of lengths that count as equal


def between(low: float, high: float) -> float:
    """A random number from `low` to `high`."""
    return low + float(torch.rand(())) * (high - low)


def is_thick(steps: Sequence[float]) -> bool:
    """Whether the distance of voxels along one axis is far larger than along the others."""
    return max(steps) >= _THICK * min(steps)


def is_square(crop: Sequence[int], steps: Sequence[float]) -> bool:
    """Whether a quarter turn of the last two axes gives a crop of the same sides and the same steps."""
    return crop[-1] == crop[-2] and max(steps[-2:]) <= _EQUAL * min(steps[-2:])


@lru_cache(maxsize=4)
def centers(side: Factor, crop: Factor) -> Tensor:
    """The places (n, *crop) of the centers of the inner pixels of a square, or a block, of n axes."""
    pairs = zip(along_axes(side, 2), along_axes(crop, 2), strict=True)
    inner = [(torch.arange((whole - part) // 2, (whole + part) // 2) * 2 + 1) / whole - 1 for whole, part in pairs]
    return torch.stack(torch.meshgrid(*inner, indexing="ij")[::-1])


def turned_places(places: Tensor, symmetry: Turn) -> Tensor:
    """The places of the same pixels in an image that is not yet turned."""
    x, y, *z = places
    x = -x if symmetry.mirror else x
    z = [-each if symmetry.depth else each for each in z]
    return torch.stack((*((x, y), (-y, x), (-x, -y), (y, -x))[symmetry.quarters], *z))


def rotation(sides: Factor = 1, steps: Sequence[float] = (1.0, 1.0)) -> Tensor:
    """A random rotation by a few degrees and scaling, as a matrix (n, n) that multiplies places.

    It is one of lengths, not of pixels: about each axis, or, where the voxels of one axis are far longer than others,
    about that axis alone.

    Args:
        sides: of the crop with its margin, in pixels.
        steps: distance of pixels along each axis.
    """
    count = len(steps)
    lengths = torch.tensor([side * step for side, step in zip(along_axes(sides, 2), steps, strict=True)][::-1])
    across = steps[::-1].index(max(steps)) if is_thick(steps) else count
    matrix = torch.eye(count)
    for pair in combinations(range(count), 2):
        if across not in pair:
            matrix = _plane_rotation(count, pair) @ matrix
    return matrix * (lengths / lengths[:, None]) / between(*_SCALE)


def _plane_rotation(count: int, pair: tuple[int, int]) -> Tensor:
    angle = torch.deg2rad(torch.tensor(between(-_ROTATION, _ROTATION)))
    matrix, (first, second) = torch.eye(count), pair
    matrix[first, first] = matrix[second, second] = angle.cos()
    matrix[first, second], matrix[second, first] = -angle.sin(), angle.sin()
    return matrix


def elastic_displacement(side: Factor, crop: Factor, std: float | Sequence[float]) -> Tensor:
    """A smooth random displacement (n, *crop) of the inner pixels of a square, or a block, in halves of its sides.

    Vectors x, y on a grid of 3 x 3 over the square, or x, y, z on one of 3 x 3 x 3 over the block, from a Gaussian with
    a standard deviation of `std` pixels along each axis, are interpolated bicubically (arXiv:1505.04597, section 3.1).
    """
    sides, parts = along_axes(side, 2), along_axes(crop, 2)
    stds = [std] * len(sides) if isinstance(std, int | float) else std
    scales = torch.tensor([each * 2 / whole for each, whole in zip(stds, sides, strict=True)][::-1])
    vectors = torch.randn(len(sides), *(_ELASTIC_GRID,) * len(sides)) * scales.reshape(-1, *(1,) * len(sides))
    for axis, (whole, part) in enumerate(zip(sides, parts, strict=True), 1):
        vectors = torch.tensordot(_bicubic_weights(whole, part), vectors, dims=([1], [axis])).movedim(0, axis)
    return vectors


@lru_cache(maxsize=8)
def _bicubic_weights(side: int, crop: int) -> Tensor:
    """What the points of the elastic grid along an axis contribute to each of the inner pixels (crop, points)."""
    points = torch.eye(_ELASTIC_GRID)[None, None]
    weights = F.interpolate(points, size=(side, _ELASTIC_GRID), mode="bicubic", align_corners=True)[0, 0]
    return weights[(side - crop) // 2 : (side + crop) // 2]


def sampled(image: Tensor, places: Tensor) -> Tensor:
    """The values of an image (c, ...) at places (n, ...) between its pixels; 0 beyond its border."""
    grid = places.movedim(0, -1)[None]
    return F.grid_sample(image[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


def sampled_mask(mask: Tensor, places: Tensor) -> Tensor:
    """The ids of the pixels of a mask (h, w), or of several (m, h, w), at places; `UNKNOWN` beyond the border.

    Those of volumes have an axis more. Ids up to 2**24 are exact.
    """
    count = len(places)
    several = (mask if mask.ndim > count else mask[None]).float() - UNKNOWN  # beyond the border there will be 0
    grid = places.movedim(0, -1)[None]
    ids = F.grid_sample(several[None], grid, mode="nearest", padding_mode="zeros", align_corners=False)[0] + UNKNOWN
    return ids.to(mask.dtype).reshape(*mask.shape[:-count], *ids.shape[1:])
