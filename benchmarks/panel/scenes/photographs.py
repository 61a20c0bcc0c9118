"""Photographs of materials that scikit-image carries, and a scene of pieces of them."""

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage import data

from benchmarks.panel.scenes.parts import Field, Random, Scene, as_bytes, regions, smooth

CLASSES = ("brick", "grass", "gravel")
_SIDE = 128
_REGIONS = 7


@cache
def photograph(name: str) -> Field:
    """A photograph (512, 512) without its slow changes of brightness, of mean 0 and standard deviation 1."""
    light = getattr(data, name)().astype(float)
    light -= gaussian_filter(light, 20)
    return np.asarray((light - light.mean()) / light.std())


def piece(random: Random, image: Field, side: int) -> Field:
    """A random square, turned and mirrored."""
    top, left = (int(random.integers(length - side + 1)) for length in image.shape)
    turned = np.rot90(image[top : top + side, left : left + side], int(random.integers(4)))
    return turned[:, :: random.choice([-1, 1])]


def materials(random: Random, *, rows: slice) -> Scene:
    """Image (128, 128, 1), uint8, of regions of one material each, cut from some rows of the photographs."""
    region, _ = regions(random, _SIDE, _REGIONS, wobble=3)
    mask = random.permutation(np.arange(_REGIONS) % len(CLASSES)).astype(np.uint8)[region]
    pieces = np.stack([piece(random, photograph(name)[rows], _SIDE) for name in CLASSES])
    seen = np.take_along_axis(pieces, mask[None].astype(np.intp), axis=0)[0]
    contrast = random.uniform(0.06, 0.14, _REGIONS)[region]
    light = random.uniform(0.35, 0.65, _REGIONS)[region] + 0.06 * smooth(random, (_SIDE, _SIDE), 20)
    light = gaussian_filter(light + contrast * seen, random.uniform(0.5, 1.1))
    return as_bytes(light + 0.03 * random.standard_normal(light.shape)), mask
